#!/bin/sh
# compare.sh OLD NEW: does header NEW still serve what was compiled against header OLD? Every member of OLD's structs has to be
# where it was, of the same type (signatures of functions too), and every constant and enumerator has to have its value. Writes
# a C file that includes NEW, declares the structs of OLD under other names beside those of NEW, and compares; compiles it.
set -eu
old=$1 new=$2
cc=${CC:-cc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The structs of a preprocessed header, one a line: "luron_view void *data; int32_t ...;". Comments and macros are gone.
structs() {
    "$cc" -E -P "$1" | tr -s ' \t\n' ' ' | sed 's/struct \(luron_[a-z_]*\) {/\n&/g' | sed -n 's/^struct \(luron_[a-z_]*\) {\([^}]*\)}.*/\1 \2/p'
}
# Its enumerators, one a line (not those that count others), and its constants: "LURON_F32 0x220u".
enumerators() { "$cc" -E -P "$1" | tr -s ' \t\n' ' ' | sed 's/enum[a-z_ ]*{/\n&/g' | sed -n 's/^enum[^{]*{\([^}]*\)}.*/\1/p' | grep -o 'LURON_[A-Za-z0-9_]*' | grep -v '_LAST$\|_COUNT$'; }
constants() { "$cc" -E -dM "$1" | sed -n 's/^#define \(LURON_[A-Za-z0-9_]*\) \(0x[0-9a-fu]*\|[0-9][0-9]*u*\)$/\1 \2/p' | grep -v LURON_ABI_MINOR | sort; }

structs "$old" >"$work/structs"
{
    echo "#include \"$new\""
    sed 's/^\(luron_\)\([a-z_]*\) \(.*\)$/struct old_\2 { \3 };/' "$work/structs"
    # Names of members: parameter lists go, then what is left of a declaration is its names.
    awk '{
        name = substr($1, 7); $1 = ""
        n = split($0, declarations, ";")
        for (i = 1; i <= n; i++) {
            d = declarations[i]
            gsub(/__attribute__ *\(\(.*\)\) *$/, "", d)
            while (match(d, /\( *\* *[a-z0-9_]+ *\)/)) d = substr(d, 1, RSTART - 1) "@" substr(d, RSTART + 1, RLENGTH - 2) substr(d, RSTART + RLENGTH)
            while (gsub(/\([^()]*\)/, "", d)) ;
            gsub(/\[[^]]*\]/, "", d)
            m = split(d, names, ",")
            for (k = 1; k <= m; k++)
                if (match(names[k], /[a-z0-9_]+ *$/)) {
                    field = substr(names[k], RSTART); gsub(/ /, "", field)
                    printf "_Static_assert(offsetof(struct old_%s, %s) == offsetof(struct luron_%s, %s), \"luron_%s.%s moved\");\n", name, field, name, field, name, field
                    printf "_Static_assert(__builtin_types_compatible_p(__typeof__(((struct old_%s *)0)->%s), __typeof__(((struct luron_%s *)0)->%s)), \"luron_%s.%s has another type\");\n", name, field, name, field, name, field
                }
        }
    }' "$work/structs"
    constants "$old" | sed 's/^\([^ ]*\) \(.*\)$/_Static_assert(\1 == \2, "\1 changed");/'
} >"$work/compare.c"
{
    echo "#include \"$old\""
    echo 'extern int printf(const char *, ...);'
    echo 'int main(void) {'
    enumerators "$old" | sort -u | sed 's/.*/    printf("_Static_assert(& == %d, \\"& changed\\");\\n", (int)&);/'
    echo '}'
} >"$work/enumerators.c"
"$cc" -std=gnu11 -w -o "$work/enumerators" "$work/enumerators.c"
"$work/enumerators" >>"$work/compare.c"
"$cc" -std=gnu11 -w -fsyntax-only "$work/compare.c"
echo "$(grep -c . "$work/structs") structs, $(grep -c 'offsetof' "$work/compare.c") members, $(grep -c 'changed' "$work/compare.c") constants"
