# Files as a C table of names and texts (embedded.h): awk -f embed.awk FILE... Used by the Makefile.
BEGIN {
    print "#include <string.h>\n\n#include \"analysis/report/embedded.h\"\n"
    print "static const struct {\n    const char *name, *text;\n} texts[] = {"
}
FNR == 1 {
    if (NR > 1) print "    },"
    name = FILENAME
    sub(/.*\//, "", name)
    print "    {\"" name "\","
}
{
    gsub(/\\/, "&&")
    gsub(/"/, "\\\\&")
    print "     \"" $0 "\\n\""
}
END {
    print "    },\n};\n"
    print "const char *embedded_text(const char *name) {"
    print "    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {"
    print "        if (strcmp(texts[i].name, name) == 0) {"
    print "            return texts[i].text;"
    print "        }\n    }\n    return NULL;\n}"
}
