#include "internal.h"

const char *luron_status_name(luron_status status) {
    switch (status) {
    case LURON_OK: return "OK";
#define NAME(name, value, text) \
    case value: return #name;
        LURON_STATUS_MAP(NAME)
#undef NAME
    default: return "UNKNOWN";
    }
}

const char *luron_status_text(luron_status status) {
    switch (status) {
    case LURON_OK: return "ok";
#define TEXT(name, value, text) \
    case value: return text;
        LURON_STATUS_MAP(TEXT)
#undef TEXT
    default: return "unknown status";
    }
}
