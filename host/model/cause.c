/* Causes of faults in Japanese. A recording holds them in English, as the part said them that found the fault; a technician
 * reads them years later in another language, so they are recognised by their form. What is not recognised stays as it is. */
#include <anzen/model.h>
#include <string.h>

enum { HOLES_MAX = 8, DEEPEST = 4, LONGEST = 600 };

typedef struct Wording {
	const char *en; /* `*` stands for what a device, a file or a count fills in */
	const char *ja; /* $1 … $8: the first `*`, the second … */
} Wording;

static const Wording wordings[] = {
	/* cameras */
	{"* froze: it stopped at most * s before the first of * pictures without anything new",
	 "$1 の映像が停止しました(新しい内容のない画像 $3 枚の最初より最大 $2 s 前)"},
	{"* froze: the first of * equal pictures", "$1 の映像が停止しました(同一画像 $2 枚の最初)"},
	{"* is black: is its lens covered?",
	 "$1 の映像が真っ黒です。レンズが覆われていないか確認してください"},
	{"* gives no pictures any more", "$1 から映像が届かなくなりました"},
	{"* sends what cannot be decoded: *", "$1 の映像を復号できません: $2"},
	{"*: no frame for * s on *", "$1: $3 から $2 s 間フレームが届きません"},
	{"*: the stream ended on *", "$1: $2 の配信が終了しました"},
	/* nodes */
	{"*: interlock: *", "$1: インターロック: $2"},
	{"the e-stop loop opened", "非常停止回路が開きました"},
	{"the trip line opened", "トリップ線が開きました"},
	{"the host's keep-alive stopped", "ホストの生存信号が途絶えました"},
	{"the node has just started", "ノードが起動した直後です"},
	{"the node has just been reset by its watchdog",
	 "ノードがウォッチドッグでリセットされた直後です"},
	{"another host session began while outputs were leased",
	 "出力の貸与中に別のホストセッションが始まりました"},
	{"*: a keep-alive arrived * ms after it was sent: the host or its link hung",
	 "$1: 生存信号が送信から $2 ms 後に届きました。ホストか接続が停止していました"},
	{"*: it had to drop * events", "$1: イベント $2 件が失われました"},
	{"*: * stopped in motion (*): where it is is not known until it is homed",
	 "$1: $2 が動作中に停止しました($3)。原点復帰するまで位置は不明です"},
	{"*: * batches of samples lost", "$1: サンプルの束 $2 個が失われました"},
	{"*: edges of in.* lost: *", "$1: 入力 in.$2 の変化を取りこぼしました: $3"},
	{"the node or its link began anew", "ノードまたは接続が始まり直しました"},
	{"* at least of its inputs': they change faster than it can tell",
	 "入力全体で少なくとも $1 件。伝えられるより速く変化しています"},
	{"*: it restarted (boot * to *, cause *)",
	 "$1: 再起動しました(起動番号 $2 から $3、原因 $4)"},
	{"*: the link was interrupted", "$1: 接続が中断しました"},
	{"*: this host was late with its keep-alive: * ms instead of * ms",
	 "$1: ホストの生存信号が遅れました($3 ms のところ $2 ms)"},
	{"*: its clock jumped by * ms against the bench: the board or its emulation stood still",
	 "$1: 時計が試験装置に対し $2 ms "
	 "ずれました。基板またはそのエミュレーションが停止していました"},
	{"*: no answer for * ms: hung, reset or unplugged; it is safe by its own lease",
	 "$1: $2 ms 応答がありません(停止、リセットまたは抜け)。ノード自身の期限により安全側です"},
	{"no answer for * s", "$1 s 間応答がありません"},
	/* other devices */
	{"*: no good reading of * … for * s on *: *",
	 "$1: $4 上の $2 ほかを $3 s 間正しく読めません: $5"},
	{"*: the link * is gone: *", "$1: 接続 $2 が失われました: $3"},
	{"*: no good reply to * in * ms: *",
	 "$1: $2 に対し $3 ms 以内に正しい応答がありません: $4"},
	{"*: the command was *: *", "$1: 指令の結果: $2: $3"},
	{"*: its move ended * ms off its time", "$1: 移動の終わりが予定から $2 ms ずれました"},
	{"the end of a move was never told", "移動の終わりが報告されませんでした"},
	{"* could not be homed: *: *", "$1 を原点復帰できません: $2: $3"},
	{"* could not be homed within * s", "$1 の原点復帰が $2 s 以内に終わりませんでした"},
	{"the command could not be queued", "指令を送信待ちに入れられませんでした"},
	/* products */
	{"the product's process *", "製品のプロセス: $1"},
	{"the product's event stream *", "製品のイベント配信: $1"},
	{"the product floods: more than * messages in a second",
	 "製品の送信が過剰です(1 秒間に $1 件超)"},
	{"the product floods: more than * requests in a second",
	 "製品の要求が過剰です(1 秒間に $1 件超)"},
	{"the product floods: * messages in one decision period",
	 "製品の送信が過剰です(1 判断周期に $1 件)"},
	{"the product answers garbage: a message that is no JSON object",
	 "製品の応答が JSON オブジェクトではありません"},
	{"the product sends garbage on its Modbus connection: *",
	 "製品の Modbus 通信が不正です: $1"},
	{"the product closed its Modbus connection", "製品が Modbus 接続を閉じました"},
	{"the product did not answer within * s in lock-step",
	 "ロックステップで製品が $1 s 以内に応答しませんでした"},
	{"* sent more than its part of the recorder holds: * records lost",
	 "$1 の送信が記録の割り当てを超え、$2 件が失われました"},
	/* the bench itself */
	{"*: * records lost, the recorder's ring was full or they were malformed",
	 "$1: 記録 $2 件が失われました(記録の待ち行列の満杯または不正な形式)"},
	{"* sent a * frame, declared *", "$1 が $2 形式のフレームを送りました(宣言は $3)"},
	{"*: * samples were not after the one before them and are left out",
	 "$1: 時刻順でないサンプル $2 個を除外しました"},
	{"the host was * ms late at a step of the timeline",
	 "ホストがシナリオの時点に $1 ms 遅れました"},
	{"more threads delivered data than the recorder has places for",
	 "記録の受け口より多くのスレッドからデータが届きました"},
	{"guards missed samples: the executor's rings were full",
	 "実行部の待ち行列が満杯で、監視条件がサンプルを逃しました"},
	{"stopped by the operator", "操作者が停止しました"},
	{"the safe state was not confirmed", "安全状態を確認できませんでした"},
	{"the replay was late: the picture of * s came * ms after its time (budget * ms)",
	 "再生が遅れました: $1 s の画像が $2 ms 遅れました(許容 $3 ms)"},
	{"the replay was late: the * of * s came * ms after its time (budget * ms)",
	 "再生が遅れました: $2 s の $1 が $3 ms 遅れました(許容 $4 ms)"},
	{"the perturbed * of * s was given * ms after its time (deadline * ms)",
	 "外乱を加えた $1 の $2 s の分が $3 ms 遅れて製品に渡りました(期限 $4 ms)"},
	{"* comes faster than its pictures can be perturbed: * were waiting",
	 "$1 の映像に外乱を加える処理が追いつきません(待ち $2 枚)"},
	{"* changes its size: it cannot be perturbed",
	 "$1 の画像の大きさが変わったため、外乱を加えられません"},
	{"not played at recorded speed: no time in it means what it meant in the recording "
	 "(--rate answer keeps it, for a product with lock-step)",
	 "記録時の速度で再生していないため、時間の意味が記録時と異なります("
	 "ロックステップ対応の製品なら "
	 "--rate answer で保てます)"},
	{"played as fast as it could be written: no time in it means what it meant in the "
	 "recording",
	 "書き込める限りの速さで再生したため、時間の意味が記録時と異なります"},
	{"the recording begins again: what * sees jumps",
	 "記録が最初に戻るため、$1 に見えるものが飛びます"},
	{"the recording begins again: * does not begin as it ended",
	 "記録が最初に戻りますが、$1 の始めと終わりの値が異なります"},
	{"open loop: * follows the recording's product, whose * had moved *: that needs a closed "
	 "loop",
	 "開ループ: $1 は記録時の製品($2 により $3 "
	 "が作動)に追従しています。閉ループ試験が必要です"},
	{"open loop: * does not follow the product, whose * would have moved *: that needs a "
	 "closed "
	 "loop",
	 "開ループ: $1 は製品($2 により $3 が作動するはず)に追従しません。閉ループ試験が必要です"},
	{"in the recording: *", "記録中に: $1"},
	/* what was taken out of a session on purpose */
	{"*: withheld by redaction from * s to * s: *",
	 "$1: $2 s から $3 s までの記録は非公開です(伏せた理由: $4)"},
	{"*: withheld by redaction from * s on: *",
	 "$1: $2 s 以降の記録は非公開です(伏せた理由: $3)"},
	{"*: withheld by redaction: *", "$1: 記録は非公開です(伏せた理由: $2)"},
	{"withheld by redaction: *", "記録は非公開です(伏せた理由: $1)"},
	/* what a perturbation leaves of labels (host/run/labels.c) */
	{"moved: the product is shown things up to * s late, and every time of the recording is "
	 "taken as uncertain by that much",
	 "移動: 製品には最大 $1 s "
	 "遅れて見えるため、記録のすべての時刻をその幅だけ不確かとみなします"},
	{"unverified: * may hide what they say", "未確認: $1 がラベルの内容を隠すおそれがあります"},
	{"unverified: nothing on the tape begins that could be compared",
	 "未確認: 比べられるものが記録中に始まりません"},
	{"unverified: nothing moves where they begin",
	 "未確認: ラベルの始まりに動くものがありません"},
	{"checked: the input looks like the unperturbed one where they begin, correlation at least "
	 "* (at * s, * is asked for)",
	 "確認済: ラベルの始まりで外乱のない入力に似ています(相関 $1 以上、$2 s、要求 $3)"},
	{"unverified: the input does not look enough like the unperturbed one where they begin, "
	 "correlation at least * (at * s, * is asked for)",
	 "未確認: ラベルの始まりで外乱のない入力に十分には似ていません(相関 $1、$2 s、要求 $3)"},
};

typedef struct Span {
	const char *at;
	size_t length;
} Span;

/* Does `text` have the form? A `*` takes as little as it can, and at least one character. */
static bool fits(const char *form, const char *text, Span *holes, unsigned n)
{
	for (; *form && *form != '*'; form++, text++)
		if (*form != *text)
			return false;
	if (!*form)
		return !*text;
	if (n >= HOLES_MAX || !*text)
		return false;
	if (!form[1]) { /* the rest, whatever it is */
		holes[n] = (Span){text, strlen(text)};
		return true;
	}
	for (const char *end = text + 1; *end; end++)
		if (*end == form[1] && fits(form + 1, end, holes, n + 1)) {
			holes[n] = (Span){text, (size_t)(end - text)};
			return true;
		}
	return false;
}

static char *in_japanese(const char *cause, int depth);

/* What fills a hole may itself be a cause: "in the recording: cam froze: …". */
static void append_hole(GString *out, const Span *hole, int depth)
{
	g_autofree char *said = g_strndup(hole->at, hole->length);
	g_autofree char *ja = in_japanese(said, depth + 1);
	g_string_append(out, ja);
}

static char *fill(const char *ja, const Span *holes, int depth)
{
	GString *out = g_string_new(NULL);
	for (const char *c = ja; *c; c++) {
		if (*c == '$' && g_ascii_isdigit(c[1]))
			append_hole(out, &holes[*++c - '1'], depth);
		else
			g_string_append_c(out, *c);
	}
	return g_string_free(out, FALSE);
}

static char *in_japanese(const char *cause, int depth)
{
	Span holes[HOLES_MAX] = {0};
	if (depth > DEEPEST || strlen(cause) > LONGEST)
		return g_strdup(cause);
	for (size_t i = 0; i < G_N_ELEMENTS(wordings); i++)
		if (fits(wordings[i].en, cause, holes, 0))
			return fill(wordings[i].ja, holes, depth);
	/* "camera.main: cam froze: …": who, and what */
	const char *colon = strstr(cause, ": ");
	if (!colon)
		return g_strdup(cause);
	g_autofree char *rest = in_japanese(colon + 2, depth + 1);
	return g_strdup_printf("%.*s: %s", (int)(colon - cause), cause, rest);
}

char *fault_cause_in(const char *lang, const char *cause)
{
	return g_strcmp0(lang, "ja") ? g_strdup(cause) : in_japanese(cause, 0);
}

char *fault_causes_in(const char *lang, const char *causes)
{
	g_auto(GStrv) parts = g_strsplit(causes, "; ", -1);
	for (char **part = parts; *part; part++) {
		g_autofree char *said = *part;
		*part = fault_cause_in(lang, said);
	}
	return g_strjoinv("; ", parts);
}
