#include "traces/scan.h"

#include <math.h>
#include <stdio.h>

#include "base/units.h"

static void trim(const char **p, size_t *n) {
    while (*n > 0 && (**p == ' ' || **p == '\t')) {
        ++*p;
        --*n;
    }
    while (*n > 0 && ((*p)[*n - 1] == ' ' || (*p)[*n - 1] == '\t')) {
        --*n;
    }
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Digits at p[*at..n): false when there is none or the value passes `most`. */
static bool take_digits(const char *p, size_t n, size_t *at, int64_t most, int64_t *value) {
    size_t first = *at;
    int64_t v = 0;
    for (; *at < n && is_digit(p[*at]); ++*at) {
        int digit = p[*at] - '0';
        if (v > (most - digit) / 10) {
            return false;
        }
        v = v * 10 + digit;
    }
    *value = v;
    return *at > first;
}

/* What a text that is no plain number is, for the message. */
static const char *why_no_number(const char *p, size_t n) {
    double value;
    const char *why = NULL;
    if (n == 0) {
        return "is empty";
    }
    if (n < 64) {
        char text[64];
        memcpy(text, p, n);
        text[n] = '\0';
        if (!memchr(p, '\0', n) && unit_parse(UNIT_NUMBER, text, &value)) {
            why = value < 0 ? "is negative" : "is out of range";
        }
    }
    return why ? why : "is not a number";
}

const char *scan_count(const char *p, size_t n, int64_t most, int64_t *value) {
    trim(&p, &n);
    size_t at = 0;
    if (!take_digits(p, n, &at, most, value)) {
        return why_no_number(p, n);
    }
    if (at == n) {
        return NULL;
    }
    if (p[at] != '.') {
        double number;
        const char *why = scan_double(p, n, &number);
        if (why || number > (double)most) {
            return why ? why : "is out of range";
        }
        if (number != floor(number) || number > 9007199254740992.0) {
            return "is not a whole number";
        }
        *value = (int64_t)number;
        return NULL;
    }
    for (at++; at < n; at++) {
        if (p[at] != '0') {
            return is_digit(p[at]) ? "is not a whole number" : "is not a number";
        }
    }
    return NULL;
}

const char *scan_double(const char *p, size_t n, double *value) {
    trim(&p, &n);
    char text[64];
    if (n == 0) {
        return "is empty";
    }
    if (n >= sizeof text || memchr(p, '\0', n)) {
        return "is not a number";
    }
    memcpy(text, p, n);
    text[n] = '\0';
    double parsed;
    if (!unit_parse(UNIT_NUMBER, text, &parsed) || !isfinite(parsed)) {
        return "is not a finite number";
    }
    if (parsed < 0) {
        return "is negative";
    }
    *value = parsed;
    return NULL;
}

/* Digits of a fraction into picoseconds; digits beyond 12 are dropped. */
static int64_t take_fraction(const char *p, size_t n, size_t *at) {
    int64_t ps = 0;
    unsigned digits = 0;
    for (; *at < n && is_digit(p[*at]); ++*at) {
        if (digits < 12) {
            ps = ps * 10 + (p[*at] - '0');
            digits++;
        }
    }
    return ps * scan_power10(12 - digits);
}

const char *scan_seconds(const char *p, size_t n, struct instant *t) {
    trim(&p, &n);
    size_t at = 0;
    int64_t ps = 0;
    bool whole = take_digits(p, n, &at, (int64_t)1e15, &t->s);
    if (whole && at < n && p[at] == '.') {
        at++;
        ps = take_fraction(p, n, &at);
    }
    if (whole && at == n) {
        t->ps = ps;
        return NULL;
    }
    double seconds;
    const char *why = scan_double(p, n, &seconds);
    if (why) {
        return why;
    }
    if (seconds > 1e15) {
        return "is out of range";
    }
    t->s = (int64_t)seconds;
    t->ps = (int64_t)((seconds - (double)t->s) * 1e12);
    return NULL;
}

/* Days from 1970-01-01 to a date of the Gregorian calendar: years are counted from March so that the leap day
 * is the last of its year. */
static int64_t days_since_1970(int64_t year, int64_t month, int64_t day) {
    int64_t y = year - (month <= 2);
    int64_t era_years = y % 400;
    int64_t month_from_march = (month + 9) % 12;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    int64_t days = (y / 400) * 146097 + era_years * 365 + era_years / 4 - era_years / 100 + day_of_year;
    return days - 719468;
}

static int64_t days_in_month(int64_t year, int64_t month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* `digits` digits at p[*at] followed by `separator` (0 = anything). */
static bool take_part(const char *p, size_t n, size_t *at, unsigned digits, char separator, int64_t *value) {
    if (*at + digits + (separator ? 1 : 0) > n) {
        return false;
    }
    *value = 0;
    for (unsigned i = 0; i < digits; i++, ++*at) {
        if (!is_digit(p[*at])) {
            return false;
        }
        *value = *value * 10 + (p[*at] - '0');
    }
    return !separator || p[(*at)++] == separator;
}

/* Z, UTC, +hh:mm, +hhmm, +hh: seconds east of Greenwich. */
static bool take_zone(const char *p, size_t n, size_t *at, int64_t *east_s) {
    *east_s = 0;
    while (*at < n && p[*at] == ' ') {
        ++*at;
    }
    if (*at == n || (n - *at == 1 && (p[*at] == 'Z' || p[*at] == 'z')) ||
        (n - *at == 3 && !memcmp(p + *at, "UTC", 3))) {
        return true;
    }
    char sign = p[(*at)++];
    int64_t hours = 0;
    int64_t minutes = 0;
    if ((sign != '+' && sign != '-') || !take_part(p, n, at, 2, 0, &hours)) {
        return false;
    }
    if (*at < n && p[*at] == ':') {
        ++*at;
    }
    if (*at < n && !take_part(p, n, at, 2, 0, &minutes)) {
        return false;
    }
    *east_s = (hours * 60 + minutes) * (sign == '-' ? -60 : 60);
    return *at == n && hours <= 14 && minutes < 60;
}

const char *scan_date(const char *p, size_t n, struct instant *t) {
    static const char not_a_date[] = "is not a date such as 2023-11-16 18:15:46.680";
    trim(&p, &n);
    size_t at = 0;
    int64_t year, month, day, hour, minute, second, east_s;
    if (n == 0) {
        return "is empty";
    }
    if (!take_part(p, n, &at, 4, '-', &year) || !take_part(p, n, &at, 2, '-', &month) ||
        !take_part(p, n, &at, 2, 0, &day) || at >= n || (p[at] != ' ' && p[at] != 'T')) {
        return not_a_date;
    }
    at++;
    if (!take_part(p, n, &at, 2, ':', &hour) || !take_part(p, n, &at, 2, ':', &minute) ||
        !take_part(p, n, &at, 2, 0, &second)) {
        return not_a_date;
    }
    int64_t ps = 0;
    if (at < n && p[at] == '.') {
        at++;
        ps = take_fraction(p, n, &at);
    }
    if (!take_zone(p, n, &at, &east_s)) {
        return "ends in something that is no time zone";
    }
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour > 23 ||
        minute > 59 || second > 60) {
        return "is a date that does not exist";
    }
    t->s = days_since_1970(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - east_s;
    t->ps = ps;
    return NULL;
}

void instant_text(struct instant t, char out[INSTANT_TEXT_BYTES]) {
    int64_t days = t.s / 86400 - (t.s % 86400 < 0);
    int64_t second = t.s - days * 86400;
    int64_t year = 1970 + days / 366; /* never too late, then walked on */
    while (days_since_1970(year + 1, 1, 1) <= days) {
        year++;
    }
    while (days_since_1970(year, 1, 1) > days) {
        year--;
    }
    int64_t day = days - days_since_1970(year, 1, 1);
    int64_t month = 1;
    while (day >= days_in_month(year, month)) {
        day -= days_in_month(year, month++);
    }
    char fraction[16] = "";
    if (t.ps > 0) {
        int digits = snprintf(fraction, sizeof fraction, ".%012lld", (long long)t.ps);
        while (digits > 0 && fraction[digits - 1] == '0') {
            fraction[--digits] = '\0';
        }
    }
    snprintf(out, INSTANT_TEXT_BYTES, "%04d-%02d-%02dT%02d:%02d:%02d%sZ", (int)(year % 10000), (int)month,
             (int)day + 1, (int)(second / 3600), (int)(second / 60 % 60), (int)(second % 60), fraction);
}
