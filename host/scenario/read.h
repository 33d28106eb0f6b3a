/* How the readers of scenario/1 turn checked YAML into structs. Private to scenario.
 *
 * Every function adds its problems to the reader's diagnostics and goes on, so that a file's errors come all at once; the
 * loader throws the struct away when there was one. */
#ifndef ANZEN_SCENARIO_READ_H
#define ANZEN_SCENARIO_READ_H

#include <anzen/scenario.h>

typedef struct Reader {
	const YamlDoc *doc;
	Diagnostics *diag;
	Scenario *scenario;
	GHashTable *used; /* names of parameters that something uses */
} Reader;

Place read_place(const YamlNode *node);
Title read_title(const YamlNode *node);
void title_clear(Title *title);
char **read_words(const YamlNode *sequence);

/* parameter.c */
void read_parameters(Reader *r, const YamlNode *node, const char *const *sets);
/* The value of a quantity or of a `$parameter`. Unit `want` (NULL: any). False after an error. */
bool read_quantity(Reader *r, const YamlNode *node, const Unit *want, Quantity *ret);
/* NULL after an error: there is none of that name. */
const Parameter *use_parameter(Reader *r, const YamlNode *node, const char *name);
int64_t read_time(Reader *r, const YamlNode *node, int64_t fallback_ns);
/* `text` with $name replaced by values, for people. */
char *fill_text(Reader *r, const YamlNode *node, const char *text);
void report_unused(Reader *r, const YamlNode *node);

/* timeline.c */
void read_needs(Reader *r, const YamlNode *node);
Step *read_steps(Reader *r, const YamlNode *node, size_t *ret_n);
void read_timeline(Reader *r, const YamlNode *node);
void step_clear(Step *step);
void entry_clear(Entry *entry);

/* disturb.c */
void read_disturbances(Reader *r, const YamlNode *node, const YamlNode *deadline);

/* formula.c */
typedef enum {
	LOOKS_AT_SENSORS = 1,  /* needs.sensors and needs.environment */
	LOOKS_AT_PRODUCT = 2,  /* product.* */
	LOOKS_AT_TRUTH = 4,    /* truth.* */
	LOOKS_AT_COMMANDS = 8, /* needs.actuators */
} LooksAt;
/* Syntax, names, units and parameters of a formula that may look at `allowed`; `what` for messages ("a stimulus check").
 * *ret_seen: what it looks at. Its bounded future must not reach beyond horizon_ns (CLOCK_NEVER: not checked). */
void check_formula(Reader *r, const YamlNode *node, const char *what, unsigned allowed,
		   int64_t horizon_ns, unsigned *ret_seen);

#endif
