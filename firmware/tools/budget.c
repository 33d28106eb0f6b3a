/* node-budget: does a firmware's ELF fit the board, the deepest stack included?
 *
 *	node-budget ELF OBJDUMP FLASH RAM-START RAM PC
 *
 * FLASH and RAM in bytes, RAM-START as the linker counts it, PC the bytes that a call pushes. Reads the disassembly, which
 * is what will run, whatever the compiler inlined: each function's frame (pushes, and what it takes off the stack pointer)
 * and its calls. No function may call itself; where a call through a pointer leads, `pointed` says.
 *
 * The deepest stack: main's deepest path, with every interrupt on top of it once, each at its own deepest. The interrupts
 * that let others in from their first instruction (tick and alarm) can be met by their own successor, which sees that
 * and leaves: their own frame counts twice. What main and an interrupt may both do, but not at once (`once`), counts with the
 * interrupt. Of those that never let others in (the two safety lines) only the deeper can be there. Prints the figures; exit code 1 and which budget is over by how much, when one is.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FUNCTIONS 512
#define CALLS 1024 /* jumps within a function are among them until all functions are known */

/* ProtoLinkOps of session.c: the link sends in one place, transmit(); whatever else calls through a pointer hands something up. */
static const struct {
	const char *from, *to;
} pointed[] = {{"transmit", "send"}, {NULL, "message"}, {NULL, "datagram"}};
#define POINTED (sizeof pointed / sizeof pointed[0])

/* board_alarm_mask() keeps alarm and tick out while main does their work, and they see themselves at work (main.c). */
static const char *const once[] = {"run_alarm", "run_tick", "core_on_alarm"};

typedef struct Function {
	unsigned long address;
	char name[64];
	struct Function *deepest; /* whom it calls on its deepest path */
	unsigned frame, call_count;
	unsigned long call[CALLS]; /* address; 0: through a pointer */
	bool tail[CALLS];          /* a jump: its own frame is gone */
	bool opens_first, opens;   /* lets interrupts in: at once, or ever */
	unsigned instructions;
	int depth; /* -1: not known, -2: being looked for */
} Function;

static Function function[FUNCTIONS];
static unsigned functions, pc_bytes;
static bool in_main; /* whose path is being looked for */

static void fail(const char *what, const char *name)
{
	fprintf(stderr, "node-budget: %s %s\n", what, name);
	exit(2);
}

static Function *find(unsigned long address)
{
	for (unsigned i = 0; i < functions; i++)
		if (function[i].address == address)
			return &function[i];
	return NULL;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static void begin(unsigned long address, const char *name)
{
	if (functions == FUNCTIONS)
		fail("too many functions:", name);
	Function *f = &function[functions++];
	*f = (Function){.address = address, .depth = -1};
	snprintf(f->name, sizeof f->name, "%s", name);
}

static void add_call(Function *f, unsigned long address, bool tail)
{
	if (f->call_count == CALLS)
		fail("too many calls in", f->name);
	f->call[f->call_count] = address;
	f->tail[f->call_count++] = tail;
}

/* avr-objdump says the target as "; 0x1234 <name>" after the operands. */
static unsigned long target(const char *line)
{
	const char *comment = strchr(line, ';');
	const char *hex = comment ? strstr(comment, "0x") : NULL;
	return hex ? strtoul(hex, NULL, 16) : 0;
}

/* A frame is taken by subtracting from r28:r29 ("sbiw r28, n", or "subi r28, lo" and "sbci r29, hi") what then goes back into the
 * stack pointer, at 0x3d. Giving it back subtracts a negative number; without the stack pointer it is other arithmetic. */
static void take_frame(Function *f, const char *op, const char *operands)
{
	static unsigned low, taken;
	unsigned value = 0;
	if (!strcmp(op, "sbiw") && sscanf(operands, "r28, %x", &value) == 1)
		taken = value;
	else if (!strcmp(op, "subi") && sscanf(operands, "r28, %x", &value) == 1)
		low = value;
	else if (!strcmp(op, "sbc") && !strncmp(operands, "r29, r1", 7))
		taken = low;
	else if (!strcmp(op, "sbci") && sscanf(operands, "r29, %x", &value) == 1)
		taken = value < 0x80 ? value << 8 | low : 0;
	else if (!strcmp(op, "out") && !strncmp(operands, "0x3d,", 5)) {
		f->frame += taken;
		taken = 0;
	}
}

static void take_instruction(Function *f, const char *op, const char *operands, const char *line)
{
	f->instructions++;
	if (!strcmp(op, "push"))
		f->frame++;
	else if (!strcmp(op, "rcall") && !strncmp(operands, ".+0", 3))
		f->frame += pc_bytes; /* room made by a call to the next instruction */
	else if (!strcmp(op, "call") || !strcmp(op, "rcall"))
		add_call(f, target(line), false);
	else if (!strcmp(op, "icall") || !strcmp(op, "eicall"))
		add_call(f, 0, false);
	else if (!strcmp(op, "jmp") || !strcmp(op, "rjmp"))
		add_call(f, target(line), true);
	else if (!strcmp(op, "sei") || (!strcmp(op, "ori") && strstr(operands, "0x80")))
		f->opens = true;
	if (!strcmp(op, "sei") && f->instructions == 1)
		f->opens_first = true;
	take_frame(f, op, operands);
}

static void read_disassembly(const char *objdump, const char *elf)
{
	char command[1024], line[512], name[64], op[16];
	snprintf(command, sizeof command, "'%s' -d '%s'", objdump, elf);
	FILE *in = popen(command, "r");
	if (!in)
		fail("cannot run", objdump);
	while (fgets(line, sizeof line, in)) {
		unsigned long address;
		int at = 0;
		if (sscanf(line, "%lx <%63[^>]>:", &address, name) == 2) {
			begin(address, name);
			continue;
		}
		char *tab = strchr(line, '\t'), *second = tab ? strchr(tab + 1, '\t') : NULL;
		if (functions && second && sscanf(second, " %15s %n", op, &at) == 1)
			take_instruction(&function[functions - 1], op, second + at, line);
	}
	if (pclose(in) || !functions)
		fail("cannot disassemble", elf);
}

/* ---- the deepest stack --------------------------------------------------------------------------------------------- */

static int depth(Function *f);

/* Is it this function of the source? The compiler appends to the names of what it splits and specialises. */
static bool is_named(const Function *f, const char *name)
{
	size_t n = strlen(name);
	return !strncmp(f->name, name, n) && (!f->name[n] || f->name[n] == '.');
}

static int through_pointer(const Function *from, Function **ret_to)
{
	int worst = -1;
	bool sends = is_named(from, pointed[0].from);
	for (unsigned i = 0; i < functions; i++)
		for (size_t k = 0; k < POINTED; k++) {
			if (!pointed[k].from == sends || !is_named(&function[i], pointed[k].to))
				continue;
			int d = depth(&function[i]);
			if (d > worst)
				*ret_to = &function[i];
			worst = d > worst ? d : worst;
		}
	if (worst < 0)
		fail("nobody knows where a call through a pointer leads from", from->name);
	return worst;
}

static bool counts_elsewhere(const Function *f)
{
	for (size_t i = 0; in_main && i < sizeof once / sizeof once[0]; i++)
		if (is_named(f, once[i]))
			return true;
	return false;
}

static int depth(Function *f)
{
	if (counts_elsewhere(f))
		return 0;
	if (f->depth == -2)
		fail("a function that calls itself has no deepest stack:", f->name);
	if (f->depth >= 0)
		return f->depth;
	int below = 0;
	f->depth = -2;
	for (unsigned i = 0; i < f->call_count; i++) {
		Function *to = f->call[i] ? find(f->call[i]) : NULL;
		if ((!to && f->call[i]) || to == f)
			continue; /* within the function */
		int d = (to ? depth(to) : through_pointer(f, &to)) +
			(f->tail[i] ? -(int)f->frame : (int)pc_bytes);
		if (d > below)
			f->deepest = to;
		below = d > below ? d : below;
	}
	f->depth = (int)f->frame + below;
	return f->depth;
}

static void tell_path(const Function *f)
{
	printf("deepest in main: ");
	for (; f; f = f->deepest)
		printf("%s %u%s", f->name, f->frame, f->deepest ? " > " : "\n");
}

/* A vector that does something at once and goes on elsewhere is what it goes on to. */
static const Function *routine(const Function *vector)
{
	const Function *to =
		vector->call_count == 1 && vector->tail[0] ? find(vector->call[0]) : NULL;
	return to ? to : vector;
}

static unsigned main_stack(void)
{
	unsigned stack = 0;
	in_main = true;
	for (unsigned i = 0; i < functions; i++)
		if (!strcmp(function[i].name, "main")) {
			stack = (unsigned)depth(&function[i]) + pc_bytes;
			tell_path(&function[i]);
		}
	in_main = false;
	for (unsigned i = 0; i < functions; i++)
		function[i].depth = -1;
	return stack;
}

static unsigned worst_stack(unsigned *ret_main)
{
	unsigned sum = 0, closed = 0;
	bool any = false;
	*ret_main = main_stack();
	for (unsigned i = 0; i < functions; i++) {
		Function *f = &function[i];
		if (strncmp(f->name, "__vector_", 9) || f->name[9] < '0' || f->name[9] > '9')
			continue;
		any = true;
		unsigned d = (unsigned)depth(f) + pc_bytes;
		const Function *r = routine(f);
		if (!r->opens && d > closed)
			closed = d;
		if (r->opens)
			sum += d;
		if (r->opens_first)
			sum += r->frame + pc_bytes;
	}
	if (!*ret_main || !any)
		fail("no main or no interrupt in", "the ELF");
	return *ret_main + sum + closed;
}

/* ---- the static parts ------------------------------------------------------------------------------------------------- */

typedef struct {
	unsigned long flash, ram_end;
} Sizes;

/* Section headers: index name size vma lma …, and the flags on the next line. */
static Sizes read_sections(const char *objdump, const char *elf)
{
	Sizes s = {0};
	char command[1024], line[512], name[64];
	snprintf(command, sizeof command, "'%s' -h '%s'", objdump, elf);
	FILE *in = popen(command, "r");
	if (!in)
		fail("cannot run", objdump);
	while (fgets(line, sizeof line, in)) {
		unsigned long size, vma;
		if (sscanf(line, " %*u %63s %lx %lx", name, &size, &vma) != 3)
			continue;
		bool ram = vma >= 0x800000 && vma < 0x810000;
		if (!strcmp(name, ".text") || !strcmp(name, ".data"))
			s.flash += size;
		if (ram && size && vma + size > s.ram_end)
			s.ram_end = vma + size;
	}
	if (pclose(in) || !s.flash)
		fail("no sections in", elf);
	return s;
}

static bool over(const char *elf, const char *what, unsigned long is, unsigned long may)
{
	if (is <= may)
		return false;
	fprintf(stderr, "%s: over its budget of %s by %lu bytes: %lu of %lu\n", elf, what, is - may,
		is, may);
	return true;
}

int main(int argc, char **argv)
{
	if (argc != 7) {
		fprintf(stderr, "usage: node-budget ELF OBJDUMP FLASH RAM-START RAM PC\n");
		return 2;
	}
	const char *elf = argv[1], *objdump = argv[2];
	unsigned long flash = strtoul(argv[3], NULL, 0), start = strtoul(argv[4], NULL, 0);
	unsigned long ram = strtoul(argv[5], NULL, 0);
	pc_bytes = (unsigned)strtoul(argv[6], NULL, 0);
	read_disassembly(objdump, elf);
	Sizes s = read_sections(objdump, elf);
	unsigned of_main, stack = worst_stack(&of_main);
	unsigned long fixed = s.ram_end - start;
	printf("%s: flash %lu of %lu bytes, memory %lu of %lu: %lu fixed, stack %u at worst (main "
	       "%u, "
	       "interrupts %u)\n",
	       elf, s.flash, flash, fixed + stack, ram, fixed, stack, of_main, stack - of_main);
	bool bad = over(elf, "flash", s.flash, flash);
	bad |= over(elf, "memory (variables and the deepest stack)", fixed + stack, ram);
	return bad;
}
