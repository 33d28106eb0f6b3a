/* Oversampling and captured edges, in the release ELF and in the native core: values and times are compared with what the plant
 * did, worked out here. */
#include "node_bench.h"
#include "node_sim_internal.h"
#include "unit.h"

#define BOTH for (BenchKind kind = BENCH_ELF; kind <= BENCH_NATIVE; kind++)
#define REFUSED(why) (-1 - PROTO_REFUSED_##why)
#define OVER(i) ((uint8_t)(PROTO_REG_ADC0_OVERSAMPLE + (i)))
#define TICK_NS 500
/* By how much the bench may know the node's clock wrongly: timing_test.c. */
#define OFFSET_NS 3500

/* ---- oversampling ------------------------------------------------------------------------------------------------- */

typedef struct {
	int channel;
	int64_t t_ns; /* sample-and-hold */
	int code;
} Conversion;
static GArray *conversions;
static GRand *noise;

/* About 2.6 V with noise of some counts, another course on each channel. */
static int noisy(NodeBench *b, int channel, int64_t t_ns)
{
	(void)b;
	int mv = 2600 + 300 * channel + (int)(t_ns / CLOCK_MS % 700) +
		 g_rand_int_range(noise, -15, 16);
	Conversion c = {channel, t_ns, mv * 1024 / 5000}; /* datasheet 26.7 */
	g_array_append_val(conversions, c);
	return mv;
}

static NodeBench *sampled(BenchKind kind)
{
	NodeBench *b = node_bench_new(kind);
	conversions = g_array_new(FALSE, FALSE, sizeof(Conversion));
	noise = g_rand_new_with_seed(20261201);
	b->adc_read = noisy;
	CU_ASSERT_TRUE(node_bench_connect(b));
	return b;
}

static void done(NodeBench *b)
{
	node_bench_free(b);
	g_array_unref(conversions);
	g_rand_free(noise);
}

typedef struct {
	unsigned values, wrong;
	int64_t worst_ns;
} Compared;

/* The channel's conversions in a row from *at on, n of them; false: there are not as many. */
static bool next_group(int channel, int n, unsigned *at, int64_t *ret_begin, int64_t *ret_end,
		       int *ret_sum)
{
	int k = 0;
	for (*ret_sum = 0; k < n && *at < conversions->len; ++*at) {
		const Conversion *c = &g_array_index(conversions, Conversion, *at);
		if (c->channel != channel)
			continue;
		if (!k++)
			*ret_begin = c->t_ns;
		*ret_end = c->t_ns;
		*ret_sum += c->code;
	}
	return k == n;
}

/* Every value of the channel is the sum of n conversions in a row, one group after the other without a gap, at the middle of
 * their first and last. The first is found by its time: groups lie 1 ms apart at least. */
static Compared compare(const NodeBench *b, int channel, int n)
{
	Compared r = {0};
	unsigned at = 0;
	for (unsigned i = 0; i < b->values->len; i++) {
		const BenchValue *v = &g_array_index(b->values, BenchValue, i);
		int64_t begin = 0, end = 0, off = 0;
		int sum = 0;
		if (v->channel != channel)
			continue;
		while (!r.values && at < conversions->len) { /* begins a group? */
			unsigned to = at, before = at;
			int64_t last = INT64_MIN / 2;
			next_group(channel, 1, &to, &begin, &end, &sum);
			for (; before > 0 && last < 0; before--)
				if (g_array_index(conversions, Conversion, before - 1).channel ==
				    channel)
					last = g_array_index(conversions, Conversion, before - 1)
						       .t_ns;
			to = at;
			if (next_group(channel, n, &to, &begin, &end, &sum) &&
			    begin - last > 200 * CLOCK_US &&
			    v->t_ns - (begin + end) / 2 < CLOCK_MS / 2)
				break;
			next_group(channel, 1, &at, &begin, &end, &sum);
		}
		if (!next_group(channel, n, &at, &begin, &end, &sum)) {
			r.wrong++;
			return r;
		}
		off = v->t_ns - (begin + (end - begin) / 2);
		r.values++;
		r.wrong += v->value != sum;
		r.worst_ns = MAX(r.worst_ns, ABS(off));
	}
	return r;
}

static void stream(NodeBench *b, int64_t ns)
{
	b->values = g_array_new(FALSE, FALSE, sizeof(BenchValue));
	CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_STREAM, 1), 1);
	node_bench_run(b, ns);
}

/* 16 + 4 + 1 + 0 conversions in 3 ms: two bits more, one, none, off. */
static void sums_and_their_times_are_those_of_the_conversions(void)
{
	static const int n[] = {16, 4, 1};
	BOTH
	{
		NodeBench *b = sampled(kind);
		CU_ASSERT_EQUAL(node_bench_set(b, OVER(3), 0), 0);
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_ADC_PERIOD, 3), 3);
		CU_ASSERT_EQUAL(node_bench_set(b, OVER(0), 16), 16);
		CU_ASSERT_EQUAL(node_bench_set(b, OVER(1), 4), 4);
		stream(b, 300 * CLOCK_MS);
		CU_ASSERT_EQUAL(b->adc.plan, 3 | 2 << 2 | 1 << 4);
		CU_ASSERT_EQUAL(b->adc.period, 3 * 2000);
		for (int c = 0; c < 3; c++) {
			Compared r = compare(b, c, n[c]);
			fprintf(stderr,
				"%s, adc.%d: %u sums of %d, %u wrong, %.1f us off at worst\n",
				kind == BENCH_ELF ? node_bench_board() : "native", c, r.values,
				n[c], r.wrong, (double)r.worst_ns / 1000.0);
			CU_ASSERT_TRUE(r.values >= 90 && r.values <= 100);
			CU_ASSERT_EQUAL(r.wrong, 0);
			/* native: half a tick; on the chip a scan may begin later than the first of its batch by what other
			 * interrupts take */
			CU_ASSERT_TRUE(r.worst_ns <=
				       (kind == BENCH_ELF ? OFFSET_NS + 100 * CLOCK_US : TICK_NS));
		}
		CU_ASSERT_EQUAL(compare(b, 3, 1).values, 0);
		CU_ASSERT_EQUAL(node_bench_get(b, PROTO_REG_ADC3), REFUSED(NO_ACCESS));
		done(b);
	}
}

/* By hand, of the native core: a conversion takes 13 clocks of 8 µs = 208 ticks. Four from t on are held at t + 24, 232, 440 and
 * 648; their middle is t + 336. The channels after it follow at t + 856, 1064 and 1272: 520, 728 and 936 after it. */
static void times_of_a_scan_by_hand(void)
{
	NodeBench *b = sampled(BENCH_NATIVE);
	CU_ASSERT_EQUAL(node_bench_set(b, OVER(0), 4), 4);
	stream(b, 50 * CLOCK_MS);
	CU_ASSERT_EQUAL(b->adc.channels, 4);
	CU_ASSERT_EQUAL(b->adc.of[0].after, 0);
	CU_ASSERT_EQUAL(b->adc.of[1].after, 520);
	CU_ASSERT_EQUAL(b->adc.of[2].after, 728);
	CU_ASSERT_EQUAL(b->adc.of[3].after, 936);
	CU_ASSERT_EQUAL(b->adc.at % 500, 336); /* ticks of the housekeeping come each 500 */
	done(b);
}

static void what_the_converter_cannot_do_is_refused(void)
{
	static const int bad[] = {-1, 2, 3, 5, 8, 15, 17, 64, 257};
	BOTH
	{
		NodeBench *b = sampled(kind);
		for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
			CU_ASSERT_EQUAL(node_bench_set(b, OVER(0), bad[i]), REFUSED(RANGE));
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_ADC_PERIOD, 0), REFUSED(RANGE));
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_ADC_PERIOD, 33), REFUSED(RANGE));
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_EDGES, 16), REFUSED(RANGE));
		CU_ASSERT_EQUAL(node_bench_set(b, OVER(0), 16), REFUSED(RATE));
		CU_ASSERT_EQUAL(node_bench_set(b, OVER(0), 4), 4);             /* 7 in 1 ms */
		CU_ASSERT_EQUAL(node_bench_set(b, OVER(1), 4), REFUSED(RATE)); /* 10 */
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_ADC_PERIOD, 2), 2);
		CU_ASSERT_EQUAL(node_bench_set(b, OVER(1), 4), 4);
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_ADC_PERIOD, 1), REFUSED(RATE));
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_STREAM, 1), 1);
		CU_ASSERT_EQUAL(node_bench_set(b, OVER(0), 1), REFUSED(STREAMING));
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_ADC_PERIOD, 3), REFUSED(STREAMING));
		done(b);
	}
}

static int spike; /* conversions until one at the end of the range */
static int spiky(NodeBench *b, int channel, int64_t t_ns)
{
	(void)b, (void)t_ns;
	return !channel && spike && !--spike ? 5000 : 2500;
}

/* One conversion of sixteen at the rail: the sum 15 x 512 + 1023 looks like any other, and is none. */
static void a_sum_with_one_conversion_at_the_rail_is_marked(void)
{
	BOTH
	{
		g_autoptr(NodeBench) b = node_bench_new(kind);
		b->adc_read = spiky;
		spike = 0;
		CU_ASSERT_TRUE(node_bench_connect(b));
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_ADC_PERIOD, 3), 3);
		CU_ASSERT_EQUAL(node_bench_set(b, OVER(0), 16), 16);
		stream(b, 100 * CLOCK_MS);
		spike = 8;
		node_bench_run(b, 100 * CLOCK_MS);
		unsigned marked = 0, plain = 0;
		for (unsigned i = 0; i < b->values->len; i++) {
			const BenchValue *v = &g_array_index(b->values, BenchValue, i);
			if (v->channel)
				continue;
			marked += v->value == (PROTO_ADC_CLIPPED | (15 * 512 + 1023));
			plain += v->value == 16 * 512;
		}
		CU_ASSERT_EQUAL(marked, 1);
		CU_ASSERT_TRUE(plain > 50);
	}
}

/* ---- full load ----------------------------------------------------------------------------------------------------- */

/* The receiver never rests, on the small board half of the time: whole frames, of a session that is not ours, so that they need no answer (the answers to as many
 * commands would not fit on the way back). */
static void load(NodeBench *b)
{
	static const uint8_t payload[PROTO_PAYLOAD] = {PROTO_MSG_WRITE};
	uint8_t wire[PROTO_WIRE];
	ProtoFrame frame = {PROTO_DATA,   (uint16_t)(b->link.session ^ 1), 0, 0, payload,
			    PROTO_PAYLOAD};
	bool rests = !strcmp(node_bench_board(), "atmega328p") &&
		     node_bench_now(b) % (4 * CLOCK_MS) > 2 * CLOCK_MS;
	if (b->sim->in.head - b->sim->in.tail < 40 && !rests)
		node_sim_feed(b->sim, wire, proto_frame_encode(&frame, wire));
}

/* Three axes at once; at 20,000 step/s each, samples come late and in the end some are lost, which is told. */
#define AXES_V 12000
static void arm_and_move(NodeBench *b)
{
	bool axes = node_bench_has(b, PROTO_REG_AXIS0);
	for (uint8_t i = 0; i < PROTO_AXES && axes; i++)
		CU_ASSERT_EQUAL(node_bench_set(b, (uint8_t)(PROTO_REG_AXIS0 + i), 0), 0);
	CU_ASSERT_TRUE(node_bench_arm(b));
	for (uint8_t i = 0; i < PROTO_AXES && axes; i++)
		node_bench_move(b, i, 100000, AXES_V, 100000, 0, false);
}

/* 4 channels x 1 kHz, one of them of four conversions. */
static void come_at_1_khz(bool flooded)
{
	NodeBench *b = sampled(BENCH_ELF);
	unsigned each[4] = {0};
	CU_ASSERT_EQUAL(node_bench_set(b, OVER(0), 4), 4);
	if (!flooded)
		arm_and_move(b);
	stream(b, flooded ? 250 * CLOCK_MS : 700 * CLOCK_MS); /* now at full speed */
	int64_t from = node_bench_now(b);
	uint16_t number = b->adc.batch;
	unsigned had = b->batches;
	for (int i = 0; i < 1000; i++) {
		if (flooded)
			load(b);
		node_bench_run(b, CLOCK_MS / 4);
	}
	for (unsigned i = 0; i < b->values->len; i++) {
		const BenchValue *v = &g_array_index(b->values, BenchValue, i);
		each[v->channel] += v->t_ns >= from;
	}
	CU_ASSERT_EQUAL((uint16_t)(b->adc.batch - number), b->batches - had);
	for (int c = 0; c < 4; c++) {
		Compared r = compare(b, c, c ? 1 : 4);
		fprintf(stderr,
			"%s, %s, adc.%d: %u values in 250 ms, %u wrong, %.1f us off at worst\n",
			node_bench_board(), flooded ? "frames back to back" : "axes moving", c,
			each[c], r.wrong, (double)r.worst_ns / 1000.0);
		CU_ASSERT_TRUE(each[c] >= 225 &&
			       each[c] <= 255); /* what is of the last 25 ms is on its way */
		CU_ASSERT_EQUAL(r.wrong, 0);
		CU_ASSERT_TRUE(r.worst_ns <= (flooded ? 250 * CLOCK_US : CLOCK_MS));
	}
	CU_ASSERT_PTR_NULL(node_bench_event(b, PROTO_EVENT_ADC_LOST));
	CU_ASSERT_EQUAL(b->sim->stats.resets, 0);
	done(b);
}

/* Three axes at 12,000 step/s; then the receiver at 500 kBd without a pause. Both at once are more than the chip can do. */
static void all_channels_come_at_1_khz_at_full_load(void)
{
	come_at_1_khz(false);
	come_at_1_khz(true);
}

/* ---- edges ---------------------------------------------------------------------------------------------------------- */

static const char *const inputs[] = {"in.0", "in.1", "in.2", "in.3"};
typedef struct {
	int input;
	bool level;
	int64_t t_ns;
	bool alone; /* no other has come to its interrupt for a while */
} Edge;
#define ALONE_NS (250 * CLOCK_US)

static NodeBench *capturing(BenchKind kind, GArray **ret_edges)
{
	NodeBench *b = node_bench_new(kind);
	CU_ASSERT_TRUE(node_bench_connect(b));
	CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_EDGES, 15), 15);
	node_bench_run(b, 5 * CLOCK_MS);
	CU_ASSERT_EQUAL(b->captured->len, 4); /* what they are as it begins */
	for (unsigned i = 0; i < b->captured->len; i++)
		CU_ASSERT_EQUAL(g_array_index(b->captured, BenchCapture, i).what,
				PROTO_EDGE_LEVEL | i);
	g_array_set_size(b->captured, 0);
	*ret_edges = g_array_new(FALSE, FALSE, sizeof(Edge));
	return b;
}

static void change(NodeBench *b, GArray *edges, int input, bool level)
{
	Edge e = {input, level, node_bench_now(b), true};
	for (unsigned i = edges->len; i > 0; i--) {
		const Edge *before = &g_array_index(edges, Edge, i - 1);
		if (!before->input == !input || strcmp(node_bench_board(), "atmega2560"))
			e.alone &= e.t_ns - before->t_ns > ALONE_NS;
	}
	g_array_append_val(edges, e);
	node_bench_input(b, inputs[input], level);
}

typedef struct {
	int64_t least, worst,
		crowded; /* ns after the edge, by the bench's knowledge of the node's clock */
	unsigned wrong, n;
} Stamps;

/* Of one input: each edge once, in order, with its level; how late its stamp is. */
static Stamps stamps_of(const NodeBench *b, const GArray *edges, int input)
{
	Stamps s = {.least = INT64_MAX, .worst = INT64_MIN / 2, .crowded = INT64_MIN / 2};
	unsigned k = 0;
	for (unsigned i = 0; i < b->captured->len; i++) {
		const BenchCapture *c = &g_array_index(b->captured, BenchCapture, i);
		if ((c->what & PROTO_EDGE_INPUT) != input)
			continue;
		while (k < edges->len && g_array_index(edges, Edge, k).input != input)
			k++;
		if (k == edges->len || (c->what & PROTO_EDGE_LEVEL) ||
		    g_array_index(edges, Edge, k).level != !!(c->what & PROTO_EDGE_HIGH)) {
			s.wrong++;
			continue;
		}
		const Edge *e = &g_array_index(edges, Edge, k++);
		int64_t late = ((int64_t)c->at - b->offset_ticks) * TICK_NS - e->t_ns;
		s.least = MIN(s.least, late);
		s.crowded = MAX(s.crowded, late);
		if (e->alone)
			s.worst = MAX(s.worst, late);
		s.n++;
	}
	return s;
}

static unsigned edges_of(const GArray *edges, int input)
{
	unsigned n = 0;
	for (unsigned i = 0; i < edges->len; i++)
		n += g_array_index(edges, Edge, i).input == input;
	return n;
}

/* At random moments, each input again 60 µs later at the soonest. `spread`: how far a stamp may lie from another of its input. */
static void random_edges(NodeBench *b, GArray *edges, int64_t ns, unsigned mean_us,
			 const char *what, bool loaded, const int64_t *spread)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(20261202);
	int64_t free_at[4] = {0}, end = node_bench_now(b) + ns;
	bool level[4] = {0};
	while (node_bench_now(b) < end) {
		int i = g_rand_int_range(rand, 0, 4);
		int64_t until =
			node_bench_now(b) + g_rand_int_range(rand, 1, 2 * (int)mean_us) * CLOCK_US;
		while (node_bench_now(b) < until - TICK_NS) {
			if (loaded)
				load(b);
			node_bench_run(b, MIN(200 * CLOCK_US, until - node_bench_now(b)));
		}
		if (node_bench_now(b) < free_at[i])
			continue;
		free_at[i] = node_bench_now(b) + 60 * CLOCK_US;
		change(b, edges, i, level[i] = !level[i]);
	}
	node_bench_run(b, 100 * CLOCK_MS);
	for (int i = 0; i < 4; i++) {
		Stamps s = stamps_of(b, edges, i);
		fprintf(stderr,
			"%s, %s, in.%d: %u edges, %u wrong, stamped %.2f to %.2f us after them, "
			"soon after another %.2f\n",
			b->sim ? node_bench_board() : "native", what, i, s.n, s.wrong,
			(double)s.least / 1e3, (double)s.worst / 1e3, (double)s.crowded / 1e3);
		CU_ASSERT_EQUAL(s.wrong, 0);
		CU_ASSERT_EQUAL(s.n, edges_of(edges, i));
		int64_t may = !i && b->sim && !strcmp(node_bench_board(), "atmega328p") ? spread[1]
											: spread[i];
		CU_ASSERT_TRUE(s.worst - s.least <= may);
		CU_ASSERT_TRUE(s.crowded - s.least <= (may > TICK_NS ? 400 * CLOCK_US : may));
		CU_ASSERT_TRUE(s.least >= -OFFSET_NS - TICK_NS && s.worst <= OFFSET_NS + may);
	}
	CU_ASSERT_EQUAL(b->edges_said.lost, 0);
}

/* in.0 to one tick of 0.5 µs by the capture unit; the others as soon as their interrupt is let in. */
static void edges_have_their_level_and_time(void)
{
	static const int64_t elf[] = {TICK_NS, 4000, 4000, 4000},
			     native[] = {TICK_NS, TICK_NS, TICK_NS, TICK_NS};
	BOTH
	{
		GArray *edges;
		g_autoptr(NodeBench) b = capturing(kind, &edges);
		random_edges(b, edges, 400 * CLOCK_MS, 500, "quiet", false,
			     kind == BENCH_ELF ? elf : native);
		CU_ASSERT_PTR_NULL(node_bench_event(b, PROTO_EVENT_INPUT)); /* told once */
		g_array_unref(edges);
	}
}

/* Three axes at 12,000 step/s and four channels; then frames back to back and four conversions in a row. */
static void edges_have_their_level_and_time_at_full_load(void)
{
	static const int64_t spread[] = {TICK_NS, 10000, 10000, 10000};
	for (int flooded = 0; flooded < 2; flooded++) {
		GArray *edges;
		g_autoptr(NodeBench) b = capturing(BENCH_ELF, &edges);
		/* as many a second as are captured without a loss */
		bool many = flooded && !strcmp(node_bench_board(), "atmega2560");
		if (!flooded)
			arm_and_move(b);
		CU_ASSERT_EQUAL(node_bench_set(b, OVER(0), flooded ? 4 : 1), flooded ? 4 : 1);
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_STREAM, 1), 1);
		node_bench_run(b, 250 * CLOCK_MS);
		random_edges(b, edges, (many ? 200 : 500) * CLOCK_MS, many ? 500 : 5000,
			     flooded ? "frames back to back" : "axes moving", flooded, spread);
		CU_ASSERT_PTR_NULL(node_bench_event(b, PROTO_EVENT_ADC_LOST));
		g_array_unref(edges);
	}
}

static void two_runs_are_identical_edge_for_edge(void)
{
	GArray *edges[2];
	NodeBench *b[2];
	for (int i = 0; i < 2; i++) {
		b[i] = capturing(BENCH_ELF, &edges[i]);
		for (int k = 0; k < 50; k++) {
			change(b[i], edges[i], k % 4, !(k / 4 & 1));
			node_bench_run(b[i], 100 * CLOCK_US + k * 7777);
		}
		node_bench_run(b[i], 50 * CLOCK_MS);
		CU_ASSERT_EQUAL(b[i]->captured->len, 50);
	}
	for (unsigned k = 0; k < MIN(b[0]->captured->len, b[1]->captured->len); k++) {
		const BenchCapture *c[2];
		for (int i = 0; i < 2; i++)
			c[i] = &g_array_index(b[i]->captured, BenchCapture, k);
		CU_ASSERT_EQUAL(c[0]->what, c[1]->what);
		CU_ASSERT_EQUAL(c[0]->at, c[1]->at);
	}
	for (int i = 0; i < 2; i++) {
		node_bench_free(b[i]);
		g_array_unref(edges[i]);
	}
}

/* More edges than the ring holds: those that are told are right, the loss is told, and capture goes on with what is then. */
static void a_lost_edge_is_never_silent(void)
{
	BOTH
	{
		GArray *edges;
		g_autoptr(NodeBench) b = capturing(kind, &edges);
		uint64_t burst = 16 * 15; /* 15 µs */
		for (int k = 0; k < 201; k++) {
			change(b, edges, 0, !(k & 1));
			if (b->sim)
				node_sim_run_to_cycle(b->sim, node_sim_cycle(b->sim) + burst);
		}
		node_bench_run(b, 50 * CLOCK_MS);
		unsigned lost = b->edges_said.lost, levels = 0;
		CU_ASSERT_TRUE(lost > 0);
		const BenchCapture *last = NULL;
		for (unsigned i = 0; i < b->captured->len; i++) {
			const BenchCapture *c = &g_array_index(b->captured, BenchCapture, i);
			levels += (c->what & PROTO_EDGE_LEVEL) != 0;
			if ((c->what & PROTO_EDGE_INPUT) == 0)
				last = c;
		}
		CU_ASSERT_TRUE(levels >= 4);
		CU_ASSERT_TRUE(last && last->what & PROTO_EDGE_HIGH); /* as it is */
		g_array_set_size(b->captured, 0);
		change(b, edges, 0, false);
		node_bench_run(b, 10 * CLOCK_MS);
		CU_ASSERT_EQUAL(b->captured->len, 1);
		CU_ASSERT_EQUAL(b->edges_said.lost, lost);
		g_array_unref(edges);
	}
}

/* A pulse of any width is told with both edges or as a loss; from 5 µs on always. */
static void a_pulse_of_any_width_is_told(void)
{
	GArray *edges;
	g_autoptr(NodeBench) b = capturing(BENCH_ELF, &edges);
	unsigned unseen = 0, lost = 0;
	for (int input = 0; input < 2; input++)
		for (unsigned cycles = 8; cycles < 1000; cycles += cycles < 200 ? 7 : 50) {
			unsigned had = b->edges_said.lost;
			g_array_set_size(b->captured, 0);
			change(b, edges, input, true);
			node_sim_run_to_cycle(b->sim, node_sim_cycle(b->sim) + cycles);
			change(b, edges, input, false);
			node_bench_run(b, 7 * CLOCK_MS);
			bool told = b->captured->len == 2 && b->edges_said.lost == had;
			bool loss = b->edges_said.lost != had;
			CU_ASSERT_TRUE(told || loss || cycles < 80);
			unseen += !told && !loss;
			lost += loss;
		}
	fprintf(stderr, "%s: pulses of 0.5 to 60 us: %u unseen, %u told as lost\n",
		node_bench_board(), unseen, lost);
	g_array_unref(edges);
}

/* An input that flutters at 300 kHz costs neither the lease nor the loops. */
static void a_fluttering_input_holds_up_nothing(void)
{
	for (int input = 0; input < 2; input++) {
		GArray *edges;
		g_autoptr(NodeBench) b = capturing(BENCH_ELF, &edges);
		CU_ASSERT_TRUE(node_bench_arm(b));
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_EDGES, 15), 15);
		node_bench_soonest(b, PROTO_REG_OUT0, 1);
		node_bench_run(b, 50 * CLOCK_MS);
		CU_ASSERT_TRUE(b->sim->level[0] && b->sim->level[9]);
		b->next_ping_ns = 0;
		node_bench_run(b, CLOCK_MS);
		int64_t word = b->last_word_ns;
		b->groups = 0xff;
		for (int k = 0; node_bench_now(b) < word + 97 * CLOCK_MS; k++) {
			node_bench_input(b, inputs[input], k & 1);
			node_sim_run_to_cycle(b->sim, node_sim_cycle(b->sim) + 27);
			if (k % 300 == 0)
				node_bench_run(b, 0);
		}
		const BenchEdge *off = node_bench_edge(b, "enable");
		CU_ASSERT_TRUE(off && !off->level);
		CU_ASSERT_TRUE(off && ABS(off->t_ns - word - 95 * CLOCK_MS) <= CLOCK_MS);
		CU_ASSERT_FALSE(b->sim->level[0]);
		CU_ASSERT_EQUAL(b->sim->stats.resets, 0);
		g_array_unref(edges);
	}
}

/* Nothing happens: the node says so ten times a second, up to when. */
static void silence_is_told_too(void)
{
	BOTH
	{
		GArray *edges;
		g_autoptr(NodeBench) b = capturing(kind, &edges);
		unsigned had = b->edges_messages;
		node_bench_run(b, CLOCK_S);
		CU_ASSERT_TRUE(b->edges_messages - had >= 9 && b->edges_messages - had <= 11);
		CU_ASSERT_EQUAL(b->edges_said.edges, 0);
		int64_t until = ((int64_t)b->edges_said.at - b->offset_ticks) * TICK_NS;
		CU_ASSERT_TRUE(node_bench_now(b) - until < 120 * CLOCK_MS);
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_EDGES, 0), 0);
		had = b->edges_messages;
		node_bench_input(b, "in.2", true);
		node_bench_run(b, CLOCK_S);
		CU_ASSERT_EQUAL(b->edges_messages, had);
		CU_ASSERT_PTR_NOT_NULL(node_bench_event(b, PROTO_EVENT_INPUT)); /* as ever */
		g_array_unref(edges);
	}
}

UNIT_MAIN("firmware.inputs", UNIT(sums_and_their_times_are_those_of_the_conversions),
	  UNIT(times_of_a_scan_by_hand), UNIT(what_the_converter_cannot_do_is_refused),
	  UNIT(a_sum_with_one_conversion_at_the_rail_is_marked),
	  UNIT(all_channels_come_at_1_khz_at_full_load), UNIT(edges_have_their_level_and_time),
	  UNIT(edges_have_their_level_and_time_at_full_load),
	  UNIT(two_runs_are_identical_edge_for_edge), UNIT(a_lost_edge_is_never_silent),
	  UNIT(a_pulse_of_any_width_is_told), UNIT(a_fluttering_input_holds_up_nothing),
	  UNIT(silence_is_told_too))
