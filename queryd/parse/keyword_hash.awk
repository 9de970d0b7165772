# Makes the slots of the keywords' hash table from keywords.def: open addressing, the hash being that
# of keyword.c. A slot holds the keyword's index, -1 where free.
BEGIN {
    size = 2048
    for (i = 1; i < 128; i++) code[sprintf("%c", i)] = i
    for (i = 0; i < size; i++) slot[i] = -1
}
/^X\(/ {
    word = substr($0, 3)
    sub(/,.*/, "", word)
    h = 0
    for (i = 1; i <= length(word); i++) h = (h * 37 + code[substr(word, i, 1)]) % 65536
    for (h = h % size; slot[h] >= 0; h = (h + 1) % size);
    slot[h] = n++
}
END {
    for (i = 0; i < size; i++) printf "%d,%s", slot[i], i % 16 == 15 ? "\n" : " "
}
