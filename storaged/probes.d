/* Probes of storaged. Times are nanoseconds, pages are page numbers, frames indexes. */
provider axolotl_storaged {
    probe page_miss(uint64_t page, uint16_t asker_slot, uint64_t trace);
    probe page_read_begin(uint64_t page, uint32_t frame);
    probe page_read_done(uint64_t page, uint32_t frame, uint16_t status_code, uint64_t ns);
    probe page_write_begin(unsigned writer, unsigned pages, uint64_t durable_lsn_needed);
    probe page_write_done(unsigned writer, unsigned pages, uint64_t ns);
    probe evict(uint64_t page, uint32_t frame);
    probe reserve(uint16_t asker_slot, unsigned pages, uint16_t status_code);
    probe file_extend(uint64_t pages_before, uint64_t pages);
    probe pool_resize(uint32_t frames_before, uint32_t frames);
    probe checkpoint_begin(uint64_t redo_lsn);
    probe checkpoint_done(uint64_t redo_lsn, uint32_t pages, uint64_t ns, uint16_t status_code);
    probe rebuild_begin(uint64_t page, bool writer_died, unsigned damage);
    probe rebuild_done(uint64_t page, uint16_t status_code);
    probe scrub_found(uint64_t page);
    probe redo_begin(uint64_t from_lsn, uint64_t to_lsn);
    probe redo_done(uint64_t to_lsn, uint16_t status_code);
};
