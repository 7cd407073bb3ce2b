/* templates.h - what `orrery new` starts from: workflows/templates, built in */
#ifndef ORR_CLI_TEMPLATES_H
#define ORR_CLI_TEMPLATES_H

struct orri_template {
    const char *name;     /* NULL ends the table */
    const char *workflow; /* texts, in which NAME stands for the new name */
    const char *job;
};
extern const struct orri_template orri_templates[];

#endif
