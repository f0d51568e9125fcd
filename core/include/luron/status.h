/* status.h -- status codes: the list LURON_STATUS_MAP of plugin.h, with names and texts. */
#ifndef LURON_STATUS_H
#define LURON_STATUS_H
#include "luron/plugin.h"

#if defined(__GNUC__)
#define LURON_API __attribute__((visibility("default")))
#define LURON_NODISCARD __attribute__((warn_unused_result))
#else
#define LURON_API
#define LURON_NODISCARD
#endif
#ifdef __cplusplus
#define LURON_BEGIN_DECLS extern "C" {
#define LURON_END_DECLS }
#else
#define LURON_BEGIN_DECLS
#define LURON_END_DECLS
#endif

LURON_BEGIN_DECLS

/** "SHAPE" for LURON_E_SHAPE, "OK" for LURON_OK, "UNKNOWN" for a number that is no status. */
LURON_API const char *luron_status_name(luron_status status);

/** "shapes do not fit" for LURON_E_SHAPE. */
LURON_API const char *luron_status_text(luron_status status);

LURON_END_DECLS
#endif
