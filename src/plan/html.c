/* html.c - a plan as one page: the graph drawn as SVG, the rules and functions below
 * Text of the workflow is escaped, the page loads nothing. Owns nothing. */
#include "plan/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct page {
    const struct orr_plan *plan;
    const struct orr_graph *graph;
    struct orri_drawing drawing;
    struct orr_text *out;
};

static void put(struct page *p, const char *s)
{
    for (; *s; s++)
        switch (*s) {
        case '&': orr_text_puts(p->out, "&amp;"); break;
        case '<': orr_text_puts(p->out, "&lt;"); break;
        case '>': orr_text_puts(p->out, "&gt;"); break;
        case '"': orr_text_puts(p->out, "&quot;"); break;
        case '\'': orr_text_puts(p->out, "&#39;"); break;
        default: orr_text_append(p->out, s, 1);
        }
}

static void raw(struct page *p, const char *s) { orr_text_puts(p->out, s); }

/* ---- the drawing ---- */

enum { LINE = 16, PADDING = 12, LETTERS = 44 };

/* About as wide as the browser will set it: 13 px sans-serif. */
static double width_of(const char *s)
{
    double n = 0;
    for (const char *c = s; *c; c++)
        n += ((unsigned char)*c & 0xC0) != 0x80;
    return 7.2 * (n < LETTERS ? n : LETTERS);
}

/* At most LETTERS characters, cut between two. */
static void put_short(struct page *p, const char *s)
{
    size_t n = 0;
    size_t letters = 0;
    char piece[5] = { 0 };
    while (s[n] && letters < LETTERS - 1) {
        size_t more = 1;
        while (((unsigned char)s[n + more] & 0xC0) == 0x80 && more < 4)
            more++;
        memcpy(piece, s + n, more);
        piece[more] = '\0';
        put(p, piece);
        n += more;
        letters++;
    }
    if (s[n])
        raw(p, "&#8230;");
}

static void size_nodes(struct page *p)
{
    for (uint32_t i = 0; i < p->drawing.n_nodes; i++) {
        struct orri_node *node = &p->drawing.nodes[i];
        bool fact = node->kind == ORRI_NODE_FACT;
        const struct orr_rule *rule = fact ? NULL : &p->graph->rules[node->index];
        double width = width_of(fact ? p->graph->facts[node->index].name : rule->name);
        uint32_t lines = 1 + p->plan->counted;
        if (rule && rule->function != ORR_NONE) {
            double call = width_of(p->graph->functions[rule->function].name) + 36;
            width = call > width ? call : width;
            lines++;
        }
        node->width = width + 2 * PADDING + (fact ? 12 : 0);
        node->height = lines * LINE + PADDING;
    }
}

static void put_edge(struct page *p, const struct orri_edge *e)
{
    static const char *const classes[] = { [ORRI_EDGE_MATCH] = "match",
                                           [ORRI_EDGE_GATHER] = "gather",
                                           [ORRI_EDGE_MAKES] = "makes",
                                           [ORRI_EDGE_ERROR] = "error",
                                           [ORRI_EDGE_CALLS] = "calls" };
    const struct orri_node *top = &p->drawing.nodes[e->back ? e->to : e->from];
    const struct orri_node *bottom = &p->drawing.nodes[e->back ? e->from : e->to];
    struct orri_point at = { top->x, top->y + top->height / 2 };
    orr_text_printf(p->out,
                    "<path class=\"edge %s%s\" data-from=\"%" PRIu32
                    "\" data-to=\"%" PRIu32
                    "\" marker-%s=\"url(#arrow)\" d=\"M%.1f %.1f",
                    classes[e->kind], e->back ? " back" : "", e->from, e->to,
                    e->back ? "start" : "end", at.x, at.y);
    for (uint32_t i = 0; i <= e->n_bends; i++) {
        struct orri_point to =
            i < e->n_bends
                ? e->bends[i]
                : (struct orri_point) { bottom->x, bottom->y - bottom->height / 2 };
        double half = (to.y - at.y) / 2;
        orr_text_printf(p->out, " C%.1f %.1f %.1f %.1f %.1f %.1f", at.x, at.y + half,
                        to.x, to.y - half, to.x, to.y);
        at = to;
    }
    raw(p, "\"/>\n");
}

static void put_line(struct page *p, const struct orri_node *node, uint32_t line,
                     const char *class, const char *before, const char *text)
{
    orr_text_printf(p->out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", class, node->x,
                    node->y - node->height / 2 + PADDING / 2.0 + (line + 0.75) * LINE);
    put(p, before);
    put_short(p, text);
    raw(p, "</text>");
}

static void put_count(struct page *p, const struct orri_node *node, uint32_t line,
                      uint64_t n)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%s%" PRIu64,
                   node->kind == ORRI_NODE_RULE ? "\xc3\x97 " : "", n);
    if (p->plan->counted)
        put_line(p, node, line, "count", "", text);
}

static void put_node(struct page *p, uint32_t i)
{
    const struct orri_node *node = &p->drawing.nodes[i];
    bool fact = node->kind == ORRI_NODE_FACT;
    const struct orr_rule *rule = fact ? NULL : &p->graph->rules[node->index];
    bool calls = rule && rule->function != ORR_NONE;
    orr_text_printf(p->out,
                    "<g class=\"node %s\" id=\"n%" PRIu32
                    "\"><rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
                    "rx=\"%.1f\"/><title>",
                    fact    ? "fact"
                    : calls ? "rule call"
                            : "rule",
                    i, node->x - node->width / 2, node->y - node->height / 2,
                    node->width, node->height, fact ? node->height / 2 : 4.0);
    put(p, fact ? p->graph->facts[node->index].name : rule->name);
    raw(p, "</title>");
    put_line(p, node, 0, "name", "",
             fact ? p->graph->facts[node->index].name : rule->name);
    if (calls)
        put_line(p, node, 1, "function", "call ",
                 p->graph->functions[rule->function].name);
    put_count(p, node, 1 + calls,
              fact ? p->plan->facts[node->index].n
                   : p->plan->rules[node->index].firings);
    raw(p, "</g>\n");
}

static void put_drawing(struct page *p)
{
    struct orr_arena arena = ORR_ARENA_INIT;
    orri_draw(p->plan, &arena, &p->drawing);
    size_nodes(p);
    orri_place(&p->drawing, &arena);
    orr_text_printf(
        p->out,
        "<div class=\"drawing\"><svg id=\"graph\" "
        "xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
        "viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"facts and "
        "rules\">\n",
        p->drawing.width, p->drawing.height, p->drawing.width, p->drawing.height);
    raw(p, "<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" "
           "markerUnits=\"userSpaceOnUse\" markerWidth=\"9\" markerHeight=\"9\" "
           "orient=\"auto-start-reverse\"><path "
           "d=\"M0 0L8 4L0 8z\"/></marker></defs>\n");
    for (uint32_t i = 0; i < p->drawing.n_edges; i++)
        put_edge(p, &p->drawing.edges[i]);
    for (uint32_t i = 0; i < p->drawing.n_nodes; i++)
        put_node(p, i);
    raw(p, "</svg></div>\n");
    orr_arena_release(&arena);
}

/* ---- tables ---- */

static void put_text_of(struct page *p, struct orr_text *text)
{
    put(p, text->s ? text->s : "");
    orr_text_release(text);
}

static void put_rules(struct page *p)
{
    raw(p, "<h2>Rules</h2>\n<table id=\"rules\"><tr><th>stage<th>rule<th>fires"
           "<th>where<th>call");
    raw(p, p->plan->counted ? "<th>times</tr>\n" : "</tr>\n");
    for (uint32_t i = 0; i < p->graph->n_rules; i++) {
        const struct orr_rule *rule = &p->graph->rules[i];
        struct orr_text where = ORR_TEXT_INIT;
        struct orr_text call = ORR_TEXT_INIT;
        orri_put_conditions(rule->where, rule->n_where, &where);
        if (rule->function != ORR_NONE)
            orri_put_call(p->graph, rule, &call);
        if (p->plan->rules[i].stage)
            orr_text_printf(p->out, "<tr><td>%" PRIu32 "<td>", p->plan->rules[i].stage);
        else
            raw(p, "<tr class=\"never\"><td>never<td>");
        put(p, rule->name);
        raw(p, "<td>");
        put(p, p->plan->rules[i].repeats);
        raw(p, "<td><code>");
        put_text_of(p, &where);
        raw(p, "</code><td><code>");
        put_text_of(p, &call);
        raw(p, "</code>");
        if (p->plan->counted)
            orr_text_printf(p->out, "<td class=\"n\">%" PRIu64,
                            p->plan->rules[i].firings);
        raw(p, "</tr>\n");
    }
    raw(p, "</table>\n");
}

static void put_functions(struct page *p)
{
    if (p->graph->n_functions == 0)
        return;
    raw(p, "<h2>Functions</h2>\n<table id=\"functions\"><tr><th>function<th>form"
           "<th>resources");
    raw(p, p->plan->counted ? "<th>tasks</tr>\n" : "</tr>\n");
    for (uint32_t i = 0; i < p->graph->n_functions; i++) {
        struct orr_text resources = ORR_TEXT_INIT;
        orri_put_resources(p->graph, &p->graph->functions[i], &resources);
        raw(p, "<tr><td>");
        put(p, p->graph->functions[i].name);
        raw(p, "<td>");
        put(p, orri_form(&p->graph->functions[i]));
        raw(p, "<td>");
        put_text_of(p, &resources);
        if (p->plan->counted)
            orr_text_printf(p->out, "<td class=\"n\">%" PRIu64,
                            p->plan->functions[i].tasks);
        raw(p, "</tr>\n");
    }
    raw(p, "</table>\n");
}

static void put_facts(struct page *p)
{
    raw(p, "<h2>Facts</h2>\n<table id=\"facts\"><tr><th>fact<th>fields");
    raw(p, p->plan->counted ? "<th>number</tr>\n" : "</tr>\n");
    for (uint32_t i = 0; i < p->graph->n_facts; i++) {
        const struct orr_record_type *record = p->graph->facts[i].record;
        raw(p, "<tr><td>");
        put(p, p->graph->facts[i].name);
        raw(p, "<td><code>");
        for (uint32_t f = 0; f < record->n_fields; f++) {
            struct orr_text type = ORR_TEXT_INIT;
            orr_text_printf(&type, "%s%s: ", f ? ", " : "", record->fields[f].name);
            orr_type_print(record->fields[f].type, &type);
            put_text_of(p, &type);
        }
        raw(p, "</code>");
        if (p->plan->counted)
            orr_text_printf(p->out, "<td class=\"n\">%" PRIu64, p->plan->facts[i].n);
        raw(p, "</tr>\n");
    }
    raw(p, "</table>\n");
}

/* ---- the page ---- */

static const char style[] =
    "body{font:14px/1.4 sans-serif;margin:1.5em;color:#222;background:#fff}\n"
    "h1{margin:0}h2{margin:1.2em 0 .3em}p{margin:.3em 0}\n"
    ".drawing{overflow:auto;border:1px solid #ccc;margin:1em 0}\n"
    "svg{display:block;font:13px sans-serif}text{text-anchor:middle}\n"
    ".fact rect{fill:#eef4ff;stroke:#5b7fc7}.rule rect{fill:#fff;stroke:#777}\n"
    ".call rect{fill:#fdf3dd;stroke:#b8862b}.function{fill:#7a5a12}"
    ".count{fill:#777;font-size:11px}\n"
    ".edge{fill:none;stroke:#888}.gather{stroke-width:2.5}"
    ".error{stroke:#c33;stroke-dasharray:4 3}.calls{stroke:#5b7fc7;stroke-width:2}"
    ".back{stroke:#a5a}\n"
    "marker path{fill:#666}.dim{opacity:.15}\n"
    "table{border-collapse:collapse}th,td{border:1px solid #ddd;padding:2px 8px;"
    "text-align:left;vertical-align:top}td.n{text-align:right}.never{color:#c33}\n"
    "@media (prefers-color-scheme:dark){body{background:#1c1c1c;color:#ddd}"
    ".drawing{background:#fff;color:#222}th,td{border-color:#444}}\n";

/* Pointing at a node leaves only its neighbours bright. */
static const char script[] =
    "(function(){var g=document.getElementById('graph');"
    "var edges=[].slice.call(g.querySelectorAll('.edge'));"
    "var nodes=[].slice.call(g.querySelectorAll('.node'));"
    "nodes.forEach(function(n){n.addEventListener('mouseenter',function(){"
    "var near={};near[n.id]=1;edges.forEach(function(e){"
    "var a='n'+e.dataset.from,b='n'+e.dataset.to,on=a===n.id||b===n.id;"
    "if(on){near[a]=near[b]=1}e.classList.toggle('dim',!on)});"
    "nodes.forEach(function(m){m.classList.toggle('dim',!near[m.id])})});"
    "n.addEventListener('mouseleave',function(){edges.concat(nodes).forEach("
    "function(m){m.classList.remove('dim')})})})})();\n";

static void put_head(struct page *p)
{
    struct orr_text path = ORR_TEXT_INIT;
    raw(p, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
           "<title>");
    put(p, p->graph->name);
    raw(p, "</title>\n<style>\n");
    raw(p, style);
    raw(p, "</style>\n</head>\n<body>\n<h1>");
    put(p, p->graph->name);
    raw(p, "</h1>\n<p>");
    put(p, p->graph->doc ? p->graph->doc : "");
    raw(p, "</p>\n");
    orri_put_path(p->plan, &path);
    if (path.length) {
        raw(p, "<p id=\"path\">Critical path: ");
        put(p, path.s);
        raw(p, "</p>\n");
    }
    orr_text_release(&path);
    if (!p->plan->counted)
        return;
    struct orr_text totals = ORR_TEXT_INIT;
    orri_put_totals(p->plan, &totals);
    raw(p, "<p id=\"totals\">In all: ");
    put_text_of(p, &totals);
    raw(p, "</p>\n");
}

void orr_plan_html(const struct orr_plan *plan, struct orr_text *out)
{
    struct page p = { .plan = plan, .graph = plan->graph, .out = out };
    put_head(&p);
    put_drawing(&p);
    put_rules(&p);
    put_functions(&p);
    put_facts(&p);
    raw(&p, "<script>\n");
    raw(&p, script);
    raw(&p, "</script>\n</body>\n</html>\n");
}
