/* Texts made from the command table. Private to host/cli. */
#ifndef ANZEN_CLI_HELP_H
#define ANZEN_CLI_HELP_H

#include <stdio.h>

/* All commands, or those of a group ("rig"), one line each. */
void help_print_list(const char *group, FILE *out);
void help_print_man(FILE *out);
void help_print_bash_completion(FILE *out);

#endif
