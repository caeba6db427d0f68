/* JSON that we write, and small JSON documents that we own, over cJSON.
 *
 * cJSON holds numbers as doubles and prints them with an epsilon; here doubles are printed as the
 * shortest decimal that reads back the same, whole numbers beyond 2^53 exactly, NaN and infinities
 * as null. Keys keep the order they were added in, so equal input gives equal bytes. Large or
 * hostile JSON does not come here. Running out of memory ends the program.
 *
 * Trees are freed by cJSON_Delete(); a child belongs to its parent.
 */
#ifndef ASSAY_BASE_JSON_H
#define ASSAY_BASE_JSON_H

#include "base/err.h"
#include "base/strbuf.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

/* A number with its interval and how it is known, as reports print it. */
struct json_estimate {
    double value, low, high;
    const char *tier;     /* "measured" */
    const char *evidence; /* NULL: left out */
};

cJSON *json_object(void);
cJSON *json_array(void);

/* With a NULL key the parent is an array and the value is appended. A NULL text is null. */
void json_add(cJSON *parent, const char *key, cJSON *child); /* takes ownership */
cJSON *json_add_object(cJSON *parent, const char *key);
cJSON *json_add_array(cJSON *parent, const char *key);
void json_add_text(cJSON *parent, const char *key, const char *text);
void json_add_bool(cJSON *parent, const char *key, bool value);
void json_add_null(cJSON *parent, const char *key);
void json_add_number(cJSON *parent, const char *key, double value);
void json_add_int(cJSON *parent, const char *key, int64_t value);
void json_add_uint(cJSON *parent, const char *key, uint64_t value);
void json_add_numbers(cJSON *parent, const char *key, const double *values, size_t count);
/* {"value","low","high","tier","evidence"} */
cJSON *json_add_estimate(cJSON *parent, const char *key, const struct json_estimate *estimate);

/* Appends the document: `pretty` with two spaces of indentation, else on one line. No newline
 * follows it. Text that is not UTF-8 is written with U+FFFD in the place of each wrong byte. */
void json_print(const cJSON *tree, bool pretty, struct strbuf *out);

/* The text as a JSON string with its quotes. */
void json_print_text(const char *text, struct strbuf *out);

/* Parses a whole document; trailing garbage is an error (ERR_INPUT, with the offset). `what` names
 * it in messages. NULL on failure; else cJSON_Delete() it. */
cJSON *json_parse(const char *text, size_t length, const char *what, struct err *err);

/* Members of an object; a missing one or one of another type is ERR_INPUT naming the key. */
int json_get_text(const cJSON *object, const char *key, const char **text, struct err *err);
int json_get_number(const cJSON *object, const char *key, double *value, struct err *err);
int json_get_int(const cJSON *object, const char *key, int64_t *value, struct err *err);
int json_get_bool(const cJSON *object, const char *key, bool *value, struct err *err);
/* An array of exactly `count` numbers. */
int json_get_numbers(const cJSON *object, const char *key, double *values, size_t count,
                     struct err *err);
/* `type` is cJSON_Object or cJSON_Array. */
int json_get_tree(const cJSON *object, const char *key, int type, const cJSON **child,
                  struct err *err);

#endif
