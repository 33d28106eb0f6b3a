/* The promises of the recorder, with the process killed at every write and with the power cut at any time: at most 0.4 s
 * of samples lost, no acknowledged event lost, nothing in the recovered file that was not recorded, and the file whole
 * by every check. 100 points each; with the argument `full` every write of two recordings (more than 2,000) and 2,500
 * power cuts. Figures go to standard error. */
#include "crash.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static bool full;

/* ---- killed at a write ------------------------------------------------------------------------ */

/* A real file of a real process. Its sync does nothing: the page cache outlives a process. */
typedef struct {
	int fd;
	unsigned writes, die_at;
} Doomed;

static gboolean doomed_write(void *self, const void *data, size_t n, GError **error)
{
	Doomed *d = self;
	(void)error;
	if (++d->writes == d->die_at) {
		/* Nothing of it, half, or all but the last byte. */
		size_t some = (const size_t[]){0, n / 2, n - 1}[d->die_at % 3];
		if (write(d->fd, data, some) == (ssize_t)some)
			kill(getpid(), SIGKILL);
	}
	return write(d->fd, data, n) == (ssize_t)n;
}

static gboolean doomed_sync(void *self, GError **error)
{
	(void)self;
	(void)error;
	return TRUE;
}

/* Records in a child that dies at write `n`; true when it did. */
static bool killed_at(const char *path, const CrashPlan *plan, unsigned n, CrashTold *told)
{
	pid_t pid = fork();
	if (pid == 0) {
		Doomed d = {.fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600),
			    .die_at = n};
		McapSink sink = {&d, "doomed", doomed_write, doomed_sync, NULL};
		crash_record(&sink, plan, told, NULL);
		_exit(0);
	}
	int status = 0;
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
	       WTERMSIG(status) == SIGKILL;
}

typedef struct {
	unsigned points, nothing, wrong, events_lost, too_much, not_whole;
	int64_t worst_loss;
} Tally;

static void tally(Tally *t, CrashLeft *left, const CrashTold *told)
{
	t->points++;
	if (!left->recovered) {
		/* Before the head of the file was written nothing can have been promised. */
		t->nothing++;
		t->events_lost += told->acknowledged > 0;
		t->too_much += told->now_ns > CRASH_START;
		return;
	}
	int64_t loss = MAX(told->now_ns - left->last_ns, 0);
	if (left->problem && t->not_whole == 0)
		fprintf(stderr, "a recovered file: %s\n", left->problem);
	t->not_whole += left->problem != NULL;
	t->wrong += left->wrong > 0;
	t->events_lost += left->events < told->acknowledged;
	t->too_much += loss > CRASH_PROMISE_NS;
	t->worst_loss = MAX(t->worst_loss, loss);
	g_free(left->problem);
}

static void judge(const char *what, const Tally *t)
{
	fprintf(stderr,
		"%s: %u points, %u without a session yet; worst loss %.0f ms; %u with acknowledged "
		"events lost, %u with wrong contents, %u not whole\n",
		what, t->points, t->nothing, (double)t->worst_loss / 1e6, t->events_lost, t->wrong,
		t->not_whole);
	CU_ASSERT_EQUAL(t->events_lost, 0);
	CU_ASSERT_EQUAL(t->wrong, 0);
	CU_ASSERT_EQUAL(t->too_much, 0);
	CU_ASSERT_EQUAL(t->not_whole, 0);
	CU_ASSERT_TRUE(t->nothing <= 6); /* magic, header, identity: two recordings */
}

static guint writes_of(const CrashPlan *plan)
{
	CrashDisk disk;
	CrashTold told = {0};
	McapSink sink;
	crash_disk_init(&disk, &told, &sink);
	CU_ASSERT_TRUE(crash_record(&sink, plan, &told, NULL));
	guint writes = 0;
	for (guint i = 0; i < disk.ops->len; i++)
		writes += i == 0 || g_array_index(disk.ops, CrashOp, i).end !=
					    g_array_index(disk.ops, CrashOp, i - 1).end;
	crash_disk_clear(&disk);
	return writes;
}

static void killed_at_any_write_the_promises_hold(void)
{
	const CrashPlan plans[] = {{full ? 16000 : 2500, 0}, {full ? 3300 : 1000, 4096}};
	g_autofree char *dir = g_dir_make_tmp("anzen-killed-XXXXXX", NULL),
			*path = g_build_filename(dir, "s.mcap", NULL);
	CrashTold *told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	Tally t = {0};
	for (size_t p = 0; p < G_N_ELEMENTS(plans); p++) {
		guint writes = writes_of(&plans[p]), step = full ? 1 : MAX(writes / 50, 1);
		for (guint n = 1; n <= writes; n += step) {
			g_autofree char *bytes = NULL;
			gsize size = 0;
			*told = (CrashTold){0};
			bool killed = killed_at(path, &plans[p], n, told);
			CU_ASSERT_TRUE(killed);
			if (!g_file_get_contents(path, &bytes, &size, NULL))
				continue;
			GByteArray file = {(guint8 *)bytes, (guint)size};
			CrashLeft left;
			crash_look(&file, false, true, &left);
			tally(&t, &left, told);
		}
	}
	judge("killed", &t);
	CU_ASSERT_TRUE(t.points >= (full ? 2000 : 100));
	munmap(told, sizeof(*told));
	g_unlink(path);
	g_rmdir(dir);
}

/* ---- power loss ------------------------------------------------------------------------------- */

static void cut_the_power(const CrashPlan *plan, unsigned cases, uint32_t seed, Tally *t)
{
	CrashDisk disk;
	CrashTold told = {0};
	McapSink sink;
	crash_disk_init(&disk, &told, &sink);
	CU_ASSERT_TRUE(crash_record(&sink, plan, &told, NULL));
	for (unsigned i = 0; i < cases; i++) {
		GRand *rand = g_rand_new_with_seed(seed + i);
		guint k = (guint)g_rand_int_range(rand, 0, (gint)disk.ops->len);
		g_autoptr(GByteArray) left_over = crash_power_lost(&disk, k, rand);
		CrashLeft left;
		crash_look(left_over, true, true, &left);
		unsigned nothing = t->nothing;
		tally(t, &left, &g_array_index(disk.ops, CrashOp, k).told);
		/* Until the first sync nothing need be there, however often the power goes then. */
		if (t->nothing > nothing && g_array_index(disk.ops, CrashOp, k).durable == 0)
			t->nothing = nothing;
		g_rand_free(rand);
	}
	crash_disk_clear(&disk);
}

static void after_power_loss_the_promises_hold_for_what_was_synced(void)
{
	const CrashPlan plans[] = {{2500, 0}, {1500, 4096}};
	Tally t = {0};
	for (size_t p = 0; p < G_N_ELEMENTS(plans); p++)
		cut_the_power(&plans[p], full ? 1250 : 50, 1 + 10000 * (uint32_t)p, &t);
	judge("power lost", &t);
	CU_ASSERT_TRUE(t.points >= (full ? 2000 : 100));
}

/* ---- power loss while a sync is under way ------------------------------------------------------ */

/* The recorder's own threads: writes go on during a sync, and what they write is not covered by it. */
typedef struct {
	CrashDisk disk;
	pthread_mutex_t lock;
	CrashTold told;
} SlowDisk;

static gboolean slow_write(void *self, const void *data, size_t n, GError **error)
{
	SlowDisk *s = self;
	pthread_mutex_lock(&s->lock);
	crash_disk_write(&s->disk, data, n, error);
	pthread_mutex_unlock(&s->lock);
	return TRUE;
}

static gboolean slow_sync(void *self, GError **error)
{
	SlowDisk *s = self;
	(void)error;
	pthread_mutex_lock(&s->lock);
	size_t covered = s->disk.bytes->len;
	crash_note(&s->disk);
	pthread_mutex_unlock(&s->lock);
	/* Until more was written, so that there is always something that this sync does not cover. */
	for (int i = 0; i < 40; i++) {
		clock_wait_until(clock_monotonic(), clock_now(clock_monotonic()) + CLOCK_MS);
		pthread_mutex_lock(&s->lock);
		bool more = s->disk.bytes->len > covered;
		pthread_mutex_unlock(&s->lock);
		if (more)
			break;
	}
	pthread_mutex_lock(&s->lock);
	s->disk.durable = covered;
	crash_note(&s->disk);
	pthread_mutex_unlock(&s->lock);
	return TRUE;
}

static void push_until(SessionWriter *w, SessionProducer *p, SlowDisk *s, uint64_t events)
{
	uint64_t pushed = 0;
	for (int i = 0; pushed < events; i++) {
		session_sample(p, 0, crash_time(i), crash_a(i), SAMPLE_OK);
		pushed += session_event(p, crash_time((int64_t)pushed * CRASH_EVENT),
					pushed == 0 ? "run.start" : "mark.step", NULL) != 0;
		pthread_mutex_lock(&s->lock);
		while (s->told.acknowledged < pushed &&
		       session_writer_acknowledged(w, (s->told.acknowledged + 1) << 8))
			s->told.acknowledged++;
		pthread_mutex_unlock(&s->lock);
		clock_wait_until(clock_monotonic(), clock_now(clock_monotonic()) + CLOCK_MS / 2);
	}
}

static void an_acknowledgement_never_covers_what_came_after_its_sync_began(void)
{
	SlowDisk s = {.lock = PTHREAD_MUTEX_INITIALIZER};
	McapSink sink;
	g_autoptr(GError) error = NULL;
	crash_disk_init(&s.disk, &s.told, &sink);
	sink = (McapSink){&s, "slow disk", slow_write, slow_sync, NULL};
	SessionOptions options = {.sink = &sink,
				  .clock = clock_monotonic(),
				  .evidence = EVIDENCE_VIRTUAL,
				  .chunk_age_ns = 5 * CLOCK_MS};
	g_autoptr(SessionWriter) w = session_writer_new(&options, &error);
	UNIT_OK(w, error);
	SignalInfo info;
	signal_info_init(&info, "a");
	session_writer_add_signal(w, &info, 500);
	signal_info_clear(&info);
	SessionProducer *p = session_writer_add_producer(w, "executor", SESSION_BENCH);
	UNIT_OK(session_writer_start(w, &error), error);
	push_until(w, p, &s, 1000);
	UNIT_OK(session_writer_finish(w, NULL, NULL, &error), error);

	unsigned lost = 0, promised = 0, wrong = 0;
	for (unsigned i = 0; i < (full ? 1000 : 100); i++) {
		GRand *rand = g_rand_new_with_seed(700000 + i);
		guint k = (guint)g_rand_int_range(rand, 0, (gint)s.disk.ops->len);
		const CrashTold *told = &g_array_index(s.disk.ops, CrashOp, k).told;
		g_autoptr(GByteArray) left_over = crash_power_lost(&s.disk, k, rand);
		CrashLeft left;
		crash_look(left_over, true, false, &left);
		lost += left.events < told->acknowledged;
		wrong += left.wrong > 0 || left.problem;
		if (left.wrong > 0 || left.problem)
			fprintf(stderr, "power lost at operation %u of %u: %u wrong: %s\n", k,
				s.disk.ops->len, (unsigned)left.wrong, left.problem);
		promised += told->acknowledged > 0;
		g_free(left.problem);
		g_rand_free(rand);
	}
	CU_ASSERT_EQUAL(lost, 0);
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_TRUE(promised > 50);
	crash_disk_clear(&s.disk);
}

/* ---- the test itself --------------------------------------------------------------------------- */

/* A medium that loses what was synced is seen: the checks above can fail. */
static void a_medium_that_lies_about_its_syncs_is_found_out(void)
{
	const CrashPlan plan = {2500, 0};
	CrashDisk disk;
	CrashTold told = {0};
	McapSink sink;
	Tally t = {0};
	crash_disk_init(&disk, &told, &sink);
	CU_ASSERT_TRUE(crash_record(&sink, &plan, &told, NULL));
	for (guint i = 0; i < disk.ops->len; i++) /* as if each sync had covered half */
		g_array_index(disk.ops, CrashOp, i).durable /= 2;
	for (unsigned i = 0; i < 40; i++) {
		GRand *rand = g_rand_new_with_seed(i);
		guint k = disk.ops->len - 1 - i;
		g_autoptr(GByteArray) left_over = crash_power_lost(&disk, k, rand);
		CrashLeft left;
		crash_look(left_over, true, true, &left);
		tally(&t, &left, &g_array_index(disk.ops, CrashOp, k).told);
		g_rand_free(rand);
	}
	CU_ASSERT_TRUE(t.events_lost > 5);
	CU_ASSERT_TRUE(t.too_much > 5);
	CU_ASSERT_EQUAL(t.wrong, 0); /* even then nothing is made up */
	CU_ASSERT_EQUAL(t.not_whole, 0);
	crash_disk_clear(&disk);
}

int main(int argc, char **argv)
{
	static const UnitTest tests[] = {
		UNIT(killed_at_any_write_the_promises_hold),
		UNIT(after_power_loss_the_promises_hold_for_what_was_synced),
		UNIT(an_acknowledgement_never_covers_what_came_after_its_sync_began),
		UNIT(a_medium_that_lies_about_its_syncs_is_found_out)};
	full = argc > 1 && !strcmp(argv[1], "full");
	return unit_run("session.durability", tests, G_N_ELEMENTS(tests), full ? 1 : argc, argv);
}
