/* The words of dates, times and intervals. Only the first ten letters count, as in PostgreSQL. */
#include "types/datetime_text.h"

#define LETTERS_THAT_COUNT 10

struct word {
    const char *text;
    enum word_kind kind;
    int value;
};

static const struct word date_words[] = {{"-infinity", WORD_RESERVED, SAY_EARLY},
                                         {"ad", WORD_ERA, 0},
                                         {"allballs", WORD_RESERVED, SAY_ZULU},
                                         {"am", WORD_MERIDIEM, 'a'},
                                         {"apr", WORD_MONTH, 4},
                                         {"april", WORD_MONTH, 4},
                                         {"at", WORD_NOISE, 0},
                                         {"aug", WORD_MONTH, 8},
                                         {"august", WORD_MONTH, 8},
                                         {"bc", WORD_ERA, 1},
                                         {"d", WORD_UNIT, UNIT_DAY},
                                         {"dec", WORD_MONTH, 12},
                                         {"december", WORD_MONTH, 12},
                                         {"dow", WORD_UNIT, UNIT_OTHER},
                                         {"doy", WORD_UNIT, UNIT_OTHER},
                                         {"dst", WORD_SUMMER, 0},
                                         {"epoch", WORD_RESERVED, SAY_EPOCH},
                                         {"feb", WORD_MONTH, 2},
                                         {"february", WORD_MONTH, 2},
                                         {"fri", WORD_WEEKDAY, 5},
                                         {"friday", WORD_WEEKDAY, 5},
                                         {"h", WORD_UNIT, UNIT_HOUR},
                                         {"infinity", WORD_RESERVED, SAY_LATE},
                                         {"isodow", WORD_UNIT, UNIT_OTHER},
                                         {"isoyear", WORD_UNIT, UNIT_OTHER},
                                         {"j", WORD_UNIT, UNIT_JULIAN},
                                         {"jan", WORD_MONTH, 1},
                                         {"january", WORD_MONTH, 1},
                                         {"jd", WORD_UNIT, UNIT_JULIAN},
                                         {"jul", WORD_MONTH, 7},
                                         {"julian", WORD_UNIT, UNIT_JULIAN},
                                         {"july", WORD_MONTH, 7},
                                         {"jun", WORD_MONTH, 6},
                                         {"june", WORD_MONTH, 6},
                                         {"m", WORD_UNIT, UNIT_MONTH},
                                         {"mar", WORD_MONTH, 3},
                                         {"march", WORD_MONTH, 3},
                                         {"may", WORD_MONTH, 5},
                                         {"mm", WORD_UNIT, UNIT_MINUTE},
                                         {"mon", WORD_WEEKDAY, 1},
                                         {"monday", WORD_WEEKDAY, 1},
                                         {"nov", WORD_MONTH, 11},
                                         {"november", WORD_MONTH, 11},
                                         {"now", WORD_RESERVED, SAY_NOW},
                                         {"oct", WORD_MONTH, 10},
                                         {"october", WORD_MONTH, 10},
                                         {"on", WORD_NOISE, 0},
                                         {"pm", WORD_MERIDIEM, 'p'},
                                         {"s", WORD_UNIT, UNIT_SECOND},
                                         {"sat", WORD_WEEKDAY, 6},
                                         {"saturday", WORD_WEEKDAY, 6},
                                         {"sep", WORD_MONTH, 9},
                                         {"sept", WORD_MONTH, 9},
                                         {"september", WORD_MONTH, 9},
                                         {"sun", WORD_WEEKDAY, 0},
                                         {"sunday", WORD_WEEKDAY, 0},
                                         {"t", WORD_ISO_TIME, UNIT_TIME},
                                         {"thu", WORD_WEEKDAY, 4},
                                         {"thur", WORD_WEEKDAY, 4},
                                         {"thurs", WORD_WEEKDAY, 4},
                                         {"thursday", WORD_WEEKDAY, 4},
                                         {"today", WORD_RESERVED, SAY_TODAY},
                                         {"tomorrow", WORD_RESERVED, SAY_TOMORROW},
                                         {"tue", WORD_WEEKDAY, 2},
                                         {"tues", WORD_WEEKDAY, 2},
                                         {"tuesday", WORD_WEEKDAY, 2},
                                         {"wed", WORD_WEEKDAY, 3},
                                         {"wednesday", WORD_WEEKDAY, 3},
                                         {"weds", WORD_WEEKDAY, 3},
                                         {"y", WORD_UNIT, UNIT_YEAR},
                                         {"yesterday", WORD_RESERVED, SAY_YESTERDAY}};

static const struct word interval_words[] = {{"@", WORD_NOISE, 0},
                                             {"ago", WORD_AGO, 0},
                                             {"c", WORD_UNIT, UNIT_CENTURY},
                                             {"cent", WORD_UNIT, UNIT_CENTURY},
                                             {"centuries", WORD_UNIT, UNIT_CENTURY},
                                             {"century", WORD_UNIT, UNIT_CENTURY},
                                             {"d", WORD_UNIT, UNIT_DAY},
                                             {"day", WORD_UNIT, UNIT_DAY},
                                             {"days", WORD_UNIT, UNIT_DAY},
                                             {"dec", WORD_UNIT, UNIT_DECADE},
                                             {"decade", WORD_UNIT, UNIT_DECADE},
                                             {"decades", WORD_UNIT, UNIT_DECADE},
                                             {"decs", WORD_UNIT, UNIT_DECADE},
                                             {"h", WORD_UNIT, UNIT_HOUR},
                                             {"hour", WORD_UNIT, UNIT_HOUR},
                                             {"hours", WORD_UNIT, UNIT_HOUR},
                                             {"hr", WORD_UNIT, UNIT_HOUR},
                                             {"hrs", WORD_UNIT, UNIT_HOUR},
                                             {"m", WORD_UNIT, UNIT_MINUTE},
                                             {"microsecon", WORD_UNIT, UNIT_US},
                                             {"mil", WORD_UNIT, UNIT_MILLENNIUM},
                                             {"millennia", WORD_UNIT, UNIT_MILLENNIUM},
                                             {"millennium", WORD_UNIT, UNIT_MILLENNIUM},
                                             {"millisecon", WORD_UNIT, UNIT_MS},
                                             {"mils", WORD_UNIT, UNIT_MILLENNIUM},
                                             {"min", WORD_UNIT, UNIT_MINUTE},
                                             {"mins", WORD_UNIT, UNIT_MINUTE},
                                             {"minute", WORD_UNIT, UNIT_MINUTE},
                                             {"minutes", WORD_UNIT, UNIT_MINUTE},
                                             {"mon", WORD_UNIT, UNIT_MONTH},
                                             {"mons", WORD_UNIT, UNIT_MONTH},
                                             {"month", WORD_UNIT, UNIT_MONTH},
                                             {"months", WORD_UNIT, UNIT_MONTH},
                                             {"ms", WORD_UNIT, UNIT_MS},
                                             {"msec", WORD_UNIT, UNIT_MS},
                                             {"mseconds", WORD_UNIT, UNIT_MS},
                                             {"msecs", WORD_UNIT, UNIT_MS},
                                             {"qtr", WORD_UNIT, UNIT_OTHER},
                                             {"quarter", WORD_UNIT, UNIT_OTHER},
                                             {"s", WORD_UNIT, UNIT_SECOND},
                                             {"sec", WORD_UNIT, UNIT_SECOND},
                                             {"second", WORD_UNIT, UNIT_SECOND},
                                             {"seconds", WORD_UNIT, UNIT_SECOND},
                                             {"secs", WORD_UNIT, UNIT_SECOND},
                                             {"timezone", WORD_UNIT, UNIT_OTHER},
                                             {"timezone_h", WORD_UNIT, UNIT_OTHER},
                                             {"timezone_m", WORD_UNIT, UNIT_OTHER},
                                             {"us", WORD_UNIT, UNIT_US},
                                             {"usec", WORD_UNIT, UNIT_US},
                                             {"usecond", WORD_UNIT, UNIT_US},
                                             {"useconds", WORD_UNIT, UNIT_US},
                                             {"usecs", WORD_UNIT, UNIT_US},
                                             {"w", WORD_UNIT, UNIT_WEEK},
                                             {"week", WORD_UNIT, UNIT_WEEK},
                                             {"weeks", WORD_UNIT, UNIT_WEEK},
                                             {"y", WORD_UNIT, UNIT_YEAR},
                                             {"year", WORD_UNIT, UNIT_YEAR},
                                             {"years", WORD_UNIT, UNIT_YEAR},
                                             {"yr", WORD_UNIT, UNIT_YEAR},
                                             {"yrs", WORD_UNIT, UNIT_YEAR}};

static enum word_kind find(const struct word *words, size_t n, const char *text, int *ret_value) {
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strncmp(text, words[middle].text, LETTERS_THAT_COUNT);
        if (!order) {
            *ret_value = words[middle].value;
            return words[middle].kind;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    *ret_value = 0;
    return WORD_NONE;
}

enum word_kind date_word(const char *word, int *ret_value) {
    return find(date_words, sizeof date_words / sizeof *date_words, word, ret_value);
}

enum word_kind interval_word(const char *word, int *ret_value) {
    return find(interval_words, sizeof interval_words / sizeof *interval_words, word, ret_value);
}
