/* Names as Kubernetes takes them, from names as people give them. */
#ifndef ASSAY_REPORTS_MANIFEST_NAME_H
#define ASSAY_REPORTS_MANIFEST_NAME_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>

/* KEDA puts "keda-hpa-" before the name and the result into a label: 63 characters. */
enum { MANIFEST_NAME_MAX = 54, DNS_LABEL_MAX = 63 };

/* RFC 1123 label: lower-case letters, digits and dashes, no dash at the ends. */
bool is_dns_label(const char *text, size_t longest);
/* RFC 1035 label, as Services need: it also begins with a letter. */
bool is_service_name(const char *text, size_t longest);
/* Value of a label: at most 63 of letters, digits, '-', '_' and '.', ends alphanumeric. */
bool is_label_value(const char *text);

/* A service name of at most MANIFEST_NAME_MAX characters. A name that has to be changed to become
 * one ends in eight digits of its SHA-256, so two names do not meet in one. */
const char *service_name_of(struct arena *arena, const char *name);

/* One segment of a URL's path (RFC 3986, 2.3). */
const char *url_segment(struct arena *arena, const char *text);

#endif
