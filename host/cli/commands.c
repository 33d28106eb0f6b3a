#include "cli.h"

#define CLI_COMMAND(name, run, synopsis, summary) int run(int argc, char **argv, CliContext *cli);
#include "commands.def"
#undef CLI_COMMAND

const CliCommand cli_commands[] = {
#define CLI_COMMAND(name, run, synopsis, summary) {name, run, synopsis, summary},
#include "commands.def"
#undef CLI_COMMAND
};
const size_t cli_n_commands = G_N_ELEMENTS(cli_commands);
