/* cli.h - the command line */
#ifndef ORR_CLI_CLI_H
#define ORR_CLI_CLI_H

/* Run the subcommand that argv names; returns the exit code (DESIGN section 10). */
int orr_cli_main(int argc, char **argv);

#endif
