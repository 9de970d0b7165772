/* Probes of trees, in whichever process changes them. */
provider axolotl_tree {
    probe create(uint32_t tree, uint64_t root);
    probe split(uint32_t tree, uint64_t page, uint64_t new_page, uint8_t level);
    probe fill(uint32_t tree, uint64_t new_page, unsigned entries);
    probe grow(uint32_t tree, uint64_t root, unsigned new_level);
    probe unlink(uint32_t tree, uint64_t freed_page, uint64_t heir, uint8_t level);
    probe shrink(uint32_t tree, uint64_t root, uint8_t new_level);
    probe purge(uint32_t tree, uint64_t page, size_t key_len);
    probe free(uint32_t tree, uint64_t page);
};
