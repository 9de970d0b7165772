/* EXPLAIN: the tree of nodes as text, JSON, YAML or XML, laid out as PostgreSQL does. */
#include "plan/explain_internal.h"

static status indent(struct buf *out, unsigned n) {
    return n ? buf_printf(out, "%*s", (int)n, "") : OK;
}

/* ---- text ------------------------------------------------------------------------------------ */

static status text_property(const struct explain_property *p, unsigned n, struct buf *out) {
    if (p->structured) return OK;
    TRY(indent(out, n));
    if (p->kind == PROPERTY_GROUP) {
        TRY(buf_printf(out, "%s:\n", p->label));
        for (p = p->inside; p; p = p->next) TRY(text_property(p, n + 2, out));
        return OK;
    }
    TRY(buf_printf(out, "%s: ", p->label));
    if (p->kind != PROPERTY_LIST) return buf_printf(out, "%s\n", p->value);
    LIST_EACH(const char *, item, p->items) TRY(buf_printf(out, "%s%s", item_i ? ", " : "", item));
    return buf_add_str(out, "\n");
}

/* n: where the properties of the node around it stand. */
static status text_node(const struct explain_node *x, unsigned n, bool is_root, struct buf *out) {
    if (x->title) {
        TRY(indent(out, n));
        TRY(buf_printf(out, "%s\n", x->title));
        n += 2;
    }
    if (!is_root) {
        TRY(indent(out, n));
        TRY(buf_add_str(out, "->  "));
        n += 4;
    }
    TRY(buf_printf(out, "%s%s\n", x->head, x->costs));
    for (const struct explain_property *p = x->first; p; p = p->next)
        TRY(text_property(p, n + 2, out));
    for (const struct explain_node *c = x->children; c; c = c->next)
        TRY(text_node(c, n + 2, false, out));
    return OK;
}

/* ---- JSON and YAML --------------------------------------------------------------------------- */

static status quoted(const char *text, struct buf *out) {
    TRY(buf_add_str(out, "\""));
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\') TRY(buf_add_str(out, "\\"));
        if (*c == '\n')
            TRY(buf_add_str(out, "\\n"));
        else
            TRY(buf_add(out, c, 1));
    }
    return buf_add_str(out, "\"");
}

static status value_of(const struct explain_property *p, struct buf *out) {
    return p->kind == PROPERTY_TEXT ? quoted(p->value, out) : buf_add_str(out, p->value);
}

static status json_list(const struct explain_property *p, struct buf *out) {
    TRY(buf_add_str(out, "["));
    LIST_EACH(const char *, item, p->items) {
        if (item_i) TRY(buf_add_str(out, ", "));
        TRY(quoted(item, out));
    }
    return buf_add_str(out, "]");
}

static status json_properties(const struct explain_property *first, unsigned n, struct buf *out);

static status json_end(char bracket, unsigned n, struct buf *out) {
    TRY(buf_add_str(out, "\n"));
    TRY(indent(out, n));
    return buf_add(out, &bracket, 1);
}

static status json_property(const struct explain_property *p, unsigned n, struct buf *out) {
    TRY(buf_printf(out, "\"%s\": ", p->label));
    switch (p->kind) {
    case PROPERTY_GROUP: TRY(json_properties(p->inside, n, out)); return json_end('}', n, out);
    case PROPERTY_LIST: return json_list(p, out);
    case PROPERTY_NOTHING: TRY(buf_add_str(out, "[")); return json_end(']', n, out);
    default: return value_of(p, out);
    }
}

static status json_properties(const struct explain_property *first, unsigned n, struct buf *out) {
    TRY(buf_add_str(out, "{"));
    for (const struct explain_property *p = first; p; p = p->next) {
        TRY(buf_add_str(out, p == first ? "\n" : ",\n"));
        TRY(indent(out, n + 2));
        TRY(json_property(p, n + 2, out));
    }
    return OK;
}

static status json_node(const struct explain_node *x, unsigned n, struct buf *out) {
    TRY(json_properties(x->first, n, out));
    if (x->children) {
        TRY(buf_add_str(out, ",\n"));
        TRY(indent(out, n + 2));
        TRY(buf_add_str(out, "\"Plans\": ["));
        for (const struct explain_node *c = x->children; c; c = c->next) {
            TRY(buf_add_str(out, "\n"));
            TRY(indent(out, n + 4));
            TRY(json_node(c, n + 4, out));
            if (c->next) TRY(buf_add_str(out, ","));
        }
        TRY(buf_add_str(out, "\n"));
        TRY(indent(out, n + 2));
        TRY(buf_add_str(out, "]"));
    }
    TRY(buf_add_str(out, "\n"));
    TRY(indent(out, n));
    return buf_add_str(out, "}");
}

static status yaml_properties(const struct explain_property *first, unsigned n, struct buf *out) {
    for (const struct explain_property *p = first; p; p = p->next) {
        if (p != first) TRY(indent(out, n));
        TRY(buf_printf(out, "%s: ", p->label));
        if (p->kind == PROPERTY_GROUP) {
            TRY(buf_add_str(out, "\n"));
            if (p->inside) TRY(indent(out, n + 2));
            TRY(yaml_properties(p->inside, n + 2, out));
            continue;
        }
        if (p->kind != PROPERTY_LIST) TRY(value_of(p, out));
        LIST_EACH(const char *, item, p->kind == PROPERTY_LIST ? p->items : NULL) {
            TRY(buf_add_str(out, "\n"));
            TRY(indent(out, n + 2));
            TRY(buf_add_str(out, "- "));
            TRY(quoted(item, out));
        }
        TRY(buf_add_str(out, "\n"));
    }
    return OK;
}

static status yaml_node(const struct explain_node *x, unsigned n, struct buf *out) {
    TRY(yaml_properties(x->first, n, out));
    if (!x->children) return OK;
    TRY(indent(out, n));
    TRY(buf_add_str(out, "Plans: \n"));
    for (const struct explain_node *c = x->children; c; c = c->next) {
        TRY(indent(out, n + 2));
        TRY(buf_add_str(out, "- "));
        TRY(yaml_node(c, n + 4, out));
    }
    return OK;
}

/* ---- XML ------------------------------------------------------------------------------------- */

static status xml_text(const char *text, struct buf *out) {
    for (const char *c = text; *c; c++) {
        const char *as = *c == '<' ? "&lt;" : *c == '>' ? "&gt;" : *c == '&' ? "&amp;" : NULL;
        TRY(as ? buf_add_str(out, as) : buf_add(out, c, 1));
    }
    return OK;
}

static status xml_tag(const char *label, const char *before, struct buf *out) {
    TRY(buf_add_str(out, before));
    for (const char *c = label; *c; c++) TRY(buf_add(out, *c == ' ' ? "-" : c, 1));
    return buf_add_str(out, ">");
}

static status xml_element(const char *label, const char *value, unsigned n, struct buf *out) {
    TRY(indent(out, n));
    TRY(xml_tag(label, "<", out));
    TRY(xml_text(value, out));
    TRY(xml_tag(label, "</", out));
    return buf_add_str(out, "\n");
}

static status xml_list(const struct explain_property *p, unsigned n, struct buf *out) {
    TRY(indent(out, n));
    TRY(xml_tag(p->label, "<", out));
    TRY(buf_add_str(out, "\n"));
    LIST_EACH(const char *, item, p->items) TRY(xml_element("Item", item, n + 2, out));
    TRY(indent(out, n));
    TRY(xml_tag(p->label, "</", out));
    return buf_add_str(out, "\n");
}

static status xml_properties(const struct explain_property *first, unsigned n, struct buf *out);

static status xml_group(const struct explain_property *p, unsigned n, struct buf *out) {
    TRY(indent(out, n));
    TRY(xml_tag(p->tag, "<", out));
    TRY(buf_add_str(out, "\n"));
    TRY(xml_properties(p->inside, n + 2, out));
    TRY(indent(out, n));
    TRY(xml_tag(p->tag, "</", out));
    return buf_add_str(out, "\n");
}

static status xml_properties(const struct explain_property *first, unsigned n, struct buf *out) {
    for (const struct explain_property *p = first; p; p = p->next) {
        if (p->kind == PROPERTY_GROUP)
            TRY(xml_group(p, n, out));
        else if (p->kind == PROPERTY_LIST || p->kind == PROPERTY_NOTHING)
            TRY(xml_list(p, n, out));
        else
            TRY(xml_element(p->label, p->value, n, out));
    }
    return OK;
}

static status xml_node(const struct explain_node *x, unsigned n, struct buf *out) {
    TRY(indent(out, n));
    TRY(buf_add_str(out, "<Plan>\n"));
    TRY(xml_properties(x->first, n + 2, out));
    if (x->children) {
        TRY(indent(out, n + 2));
        TRY(buf_add_str(out, "<Plans>\n"));
        for (const struct explain_node *c = x->children; c; c = c->next)
            TRY(xml_node(c, n + 4, out));
        TRY(indent(out, n + 2));
        TRY(buf_add_str(out, "</Plans>\n"));
    }
    TRY(indent(out, n));
    return buf_add_str(out, "</Plan>\n");
}

/* ---- the whole ------------------------------------------------------------------------------- */

static status write_text(const struct explain_node *root, const struct explain_node *behind,
                         struct buf *out) {
    TRY(text_node(root, 0, true, out));
    for (const struct explain_property *p = behind->first; p; p = p->next)
        TRY(text_property(p, 0, out));
    return OK;
}

static status write_json(const struct explain_node *root, const struct explain_node *behind,
                         struct buf *out) {
    TRY(buf_add_str(out, "[\n  {\n    \"Plan\": "));
    TRY(json_node(root, 4, out));
    for (const struct explain_property *p = behind->first; p; p = p->next) {
        TRY(buf_add_str(out, ",\n    "));
        TRY(json_property(p, 4, out));
    }
    return buf_add_str(out, "\n  }\n]");
}

static status write_yaml(const struct explain_node *root, const struct explain_node *behind,
                         struct buf *out) {
    TRY(buf_add_str(out, "- Plan: \n    "));
    TRY(yaml_node(root, 4, out));
    if (behind->first) TRY(indent(out, 2));
    TRY(yaml_properties(behind->first, 2, out));
    out->len--; /* the last line feed */
    return OK;
}

static status write_xml(const struct explain_node *root, const struct explain_node *behind,
                        struct buf *out) {
    TRY(buf_add_str(out,
                    "<explain xmlns=\"http://www.postgresql.org/2009/explain\">\n  <Query>\n"));
    TRY(xml_node(root, 4, out));
    TRY(xml_properties(behind->first, 4, out));
    return buf_add_str(out, "  </Query>\n</explain>");
}

status explain_write(const struct explain_node *root, const struct explain_node *behind,
                     enum explain_format format, struct buf *out) {
    switch (format) {
    case EXPLAIN_JSON: return write_json(root, behind, out);
    case EXPLAIN_YAML: return write_yaml(root, behind, out);
    case EXPLAIN_XML: return write_xml(root, behind, out);
    default: return write_text(root, behind, out);
    }
}
