# Makes grammar rules from keywords.def: one non-terminal for each class of keyword, and one for those
# that may be a column label without AS.
/^X\(/ {
    line = substr($0, 3)
    sub(/\).*/, "", line)
    n = split(line, f, /, */)
    printf "%s_keyword(A) ::= %s(A).\n", tolower(f[3]), f[2]
    if (f[4] == 1) printf "bare_label_keyword(A) ::= %s(A).\n", f[2]
}
