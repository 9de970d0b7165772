/* Probes of the buffer pool's users, in whichever process runs them. */
provider axolotl_pool {
    probe miss_begin(uint64_t page, uint64_t trace);
    probe miss_done(uint64_t page, uint64_t trace, uint16_t status_code);
    probe repair(uint16_t slot, uint16_t epoch, unsigned frames_found_latched);
};
