/* Inside base only: what the checker and the schema writer share about a Shape. */
#ifndef ANZEN_BASE_SHAPE_TEXT_H
#define ANZEN_BASE_SHAPE_TEXT_H

#include <anzen/base/shape.h>

#define SHAPE_ID_PATTERN "[a-z0-9]+(-[a-z0-9]+)*"
#define SHAPE_INTEGER_PATTERN "[+-]?[0-9]+"
#define SHAPE_NUMBER_PATTERN "[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?"
#define SHAPE_DATE_PATTERN "[0-9]{4}-[0-9]{2}-[0-9]{2}"

/* "a time, as in 2 s", "one of a, b": for "expected %s". Caller frees. */
char *shape_expected(const Shape *shape);
/* "20 to 300 lx", "at least 1". Caller frees. */
char *shape_range(const Shape *shape);

#endif
