/* Every route of the server. Its service is a struct serving (server/service/service.h). */
#ifndef ASSAY_SERVER_ROUTES_ROUTES_H
#define ASSAY_SERVER_ROUTES_ROUTES_H

#include "server/route.h"

extern const struct route routes[]; /* ends with a NULL method */

#endif
