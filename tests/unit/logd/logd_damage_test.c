/* logd over a damaged log and a failing or full disk. */
#include "logd_world.h"

/* Where a byte of segment 0 lies in its file, and how much log a block holds. */
static uint64_t file_offset(const struct world *w, uint64_t at) {
    uint64_t log = at - LOG_FIRST.at;
    if (!w->sealed) return SEGMENT_HEAD_BYTES + log;
    return SEGMENT_HEAD_BYTES + log / SECTOR_CONTENT_BYTES * SECTOR_BYTES +
           log % SECTOR_CONTENT_BYTES;
}
static uint64_t block_bytes(const struct world *w) {
    return w->sealed ? SEGMENT_BLOCK_SEALED : SEGMENT_BLOCK_PLAIN;
}

/* A spoilt byte anywhere in the last record ends the log before it; garbage behind the end, and
 * whole old records there, do not lengthen it. */
static void every_torn_byte_ends_the_log(void **state) {
    (void)state;
    struct world *w = world_new("sim", 4);
    if (w->sealed) { /* there a sector ends it: the test below */
        world_free(w);
        return;
    }
    power_on(w);
    wait_recovered(w);
    insert(w, REC_FILLER, 1, 32 + 4096 - 160);
    for (unsigned byte = 0; byte < 240; byte++) {
        uint64_t end = model_end(w);
        insert(w, REC_FILLER, 2, 160);
        insert(w, REC_FILLER, 2, 80);
        stop_logd(w);
        power_off(w);
        disk_sim_flip(w->sim, "0000000000000000.seg", end + byte, byte % 8);
        power_on(w);
        wait_recovered(w);
        assert_int_equal(atomic_load(&w->shm.control->recovered_lsn), byte < 160 ? end : end + 160);
        w->count -= byte < 160 ? 2 : 1;
        w->acknowledged = model_end(w);
        run(w, check_log);
        if (byte >= 160) { /* back to where we were, for the next byte */
            w->keep = model_end(w);
        }
    }
    power_off(w);
    world_free(w);
}

/* Of an encrypted log each byte of a sector, its tail too, ends the log with the last record that
 * lies before that sector. */
static void every_spoilt_byte_of_a_sector_ends_the_log(void **state) {
    (void)state;
    struct world *w = world_new("sim", 4);
    for (unsigned byte = 0; w->sealed && byte < SECTOR_BYTES; byte += 7) {
        power_on(w);
        wait_recovered(w);
        uint64_t end = model_end(w), gone = 0;
        uint64_t first = (end - LOG_FIRST.at) / SECTOR_CONTENT_BYTES + 2; /* a sector to spoil */
        for (; gone < 12; gone++) insert(w, REC_FILLER, 2, 160);
        stop_logd(w);
        power_off(w);
        disk_sim_flip(w->sim, "0000000000000000.seg",
                      SEGMENT_HEAD_BYTES + first * SECTOR_BYTES + byte, byte % 8);
        while (w->entries[w->count - 1].at + 160 > LOG_FIRST.at + first * SECTOR_CONTENT_BYTES)
            w->count--;
        power_on(w);
        wait_recovered(w);
        w->acknowledged = model_end(w);
        assert_int_equal(atomic_load(&w->shm.control->recovered_lsn), w->acknowledged);
        run(w, check_log);
        stop_logd(w);
        power_off(w);
    }
    world_free(w);
}

/* A record that a torn write left behind the end is not met again when a later record, after the
 * recovery, ends just before it. */
static void what_was_lost_stays_lost(void **state) {
    (void)state;
    struct world *w = world_started("sim", 4);
    for (unsigned round = 0; round < 4; round++) {
        uint64_t end = model_end(w);
        /* up to a block's end, so that writing it again leaves the next block alone */
        uint64_t block = block_bytes(w);
        uint32_t len = (uint32_t)(2 * block - (end - LOG_FIRST.at) % block);
        insert(w, REC_FILLER, 2, len);
        insert(w, REC_FILLER, 2, 80);
        insert(w, REC_FILLER, 2, round % 2 ? 80 : REC_BYTES_MAX);
        stop_logd(w);
        power_off(w);
        disk_sim_flip(w->sim, "0000000000000000.seg", file_offset(w, end + 40), 3);
        w->count -= 3;
        for (unsigned life = 0; life < 2; life++) {
            power_on(w);
            wait_recovered(w);
            assert_int_equal(atomic_load(&w->shm.control->recovered_lsn),
                             life == 0 ? end : end + len);
            w->acknowledged = model_end(w);
            run(w, check_log);
            if (life == 1) break;
            insert(w, REC_FILLER, 2, len);
            stop_logd(w);
            power_off(w);
        }
    }
    power_off(w);
    world_free(w);
}

static void commit_fails(struct world *w) {
    struct proc *p = &w->client.proc;
    some_record(w);
    assert_int_equal(log_wait_durable(p, (lsn){model_end(w)}).code, ST_IO_ERROR);
    assert_int_equal(log_room(p).code, ST_IO_ERROR);
}

static void commits_still_fail(struct world *w) {
    struct proc *p = &w->client.proc;
    assert_int_equal(log_wait_durable(p, (lsn){model_end(w)}).code, ST_IO_ERROR);
    assert_int_equal(log_room(p).code, ST_IO_ERROR);
}

static void a_failed_write_is_not_repeated(void **state) {
    (void)state;
    struct world *w = world_started("sim", 6);
    run(w, write_and_wait);
    for (unsigned i = 0; i < 200; i++) assert_true(daemon_turn(&w->logd, 0));
    disk_sim_fail(w->sim, 1, ST_IO_ERROR, false);
    run(w, commit_fails);
    daemon_close(&w->logd);
    must_say(w,
             daemon_open(&w->logd, &logd_ops, &w->shm, SLOT_LOGD, &w->conf, w->path, true, &w->e));
    run(w, commits_still_fail);
    restart(w);
    reconcile(w);
    run(w, check_log);
    power_off(w);
    world_free(w);
}

static status write_until_refused(struct world *w, status (*room)(struct proc *p)) {
    status s = OK;
    for (unsigned i = 0; i < 100000 && ok(s); i++) {
        s = room(&w->client.proc);
        if (!ok(s)) break;
        some_record(w);
        if (i % 4 == 0) s = log_wait_durable(&w->client.proc, (lsn){model_end(w)});
        if (ok(s) && i % 4 == 0) w->acknowledged = model_end(w);
    }
    return s;
}

/* Changes are refused while there is room for what is in the log already, and for commits. */
static void write_until_full(struct world *w) {
    assert_int_equal(write_until_refused(w, log_room).code, ST_DISK_FULL);
    must(log_wait_durable(&w->client.proc, (lsn){model_end(w)}));
    must(log_room_for_commit(&w->client.proc));
    w->acknowledged = model_end(w);
    assert_int_equal(write_until_refused(w, log_room_for_commit).code, ST_DISK_FULL);
}

static void write_when_there_is_room_again(struct world *w) {
    status s;
    while (status_is(s = log_wait_durable(&w->client.proc, (lsn){model_end(w)}), ST_DISK_FULL))
        w->client.proc.env->pause(&w->client.proc);
    must(s);
    while (status_is(s = log_room(&w->client.proc), ST_DISK_FULL))
        w->client.proc.env->pause(&w->client.proc);
    must(s);
    write_and_wait(w);
}

static void a_full_disk_is_waited_out(void **state) {
    (void)state;
    struct world *w = world_started("sim", 9);
    disk_sim_set_capacity(w->sim, 5 * SEGMENT);
    run(w, write_until_full);
    assert_true(w->acknowledged > 3 * SEGMENT);
    disk_sim_set_capacity(w->sim, 0);
    run(w, write_when_there_is_room_again);
    run(w, check_log);
    restart(w);
    reconcile(w);
    run(w, check_log);
    power_off(w);
    world_free(w);
}

static void opening_fails(struct world *w, enum status_code code) {
    must_say(w, region_create_all(NULL, &w->sizes, &w->shm, &w->e));
    w->shm.control->appliance_id = APPLIANCE;
    status s =
        daemon_open(&w->logd, &logd_ops, &w->shm, SLOT_LOGD, &w->conf, w->path, false, &w->e);
    assert_int_equal(s.code, code);
    assert_true(w->e.message[0]);
    error_clear(&w->e);
    region_detach_all(&w->shm);
}

static void strange_segments_are_refused(void **state) {
    (void)state;
    struct world *w = world_new("sim", 1);
    disk_sim_flip(w->sim, "0000000000000001.seg", 20, 1);
    opening_fails(w, ST_DATA_CORRUPTED);
    disk_sim_flip(w->sim, "0000000000000001.seg", 20, 1);
    struct disk *d;
    must(disk_open("sim", 1, -1, &d));
    must(disk_file_rename(d, 0, "0000000000000001.seg", "0000000000000002.seg"));
    must(disk_file_sync_dir(d, 0));
    disk_close(d);
    power_on(w); /* its head has another number: as if recycling had been interrupted */
    wait_recovered(w);
    run(w, write_and_wait);
    power_off(w);
    must(disk_open("sim", 1, -1, &d));
    must(disk_file_remove(d, 0, "0000000000000000.seg"));
    must(disk_file_remove(d, 0, "0000000000000001.seg"));
    disk_close(d);
    power_on(w);
    while (daemon_turn(&w->logd, 1))
        assert_int_equal(atomic_load(&w->shm.control->recovered_lsn), 0);
    assert_int_equal(atomic_load(&w->shm.control->recovered_lsn), 0);
    power_off(w);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_torn_byte_ends_the_log),
        cmocka_unit_test(every_spoilt_byte_of_a_sector_ends_the_log),
        cmocka_unit_test(what_was_lost_stays_lost),
        cmocka_unit_test(a_failed_write_is_not_repeated),
        cmocka_unit_test(a_full_disk_is_waited_out),
        cmocka_unit_test(strange_segments_are_refused),
    };
    return cmocka_run_group_tests_name("logd", tests, NULL, NULL);
}
