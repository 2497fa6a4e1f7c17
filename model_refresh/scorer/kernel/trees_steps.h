/* What one row is walked by, and the making of a model; see trees.c. */

static int64_t run_start(int64_t trees, int64_t run) { return trees * run / RUNS; }

static int ends_run(int64_t trees, int64_t tree)
{
    for (int64_t run = 1; run <= RUNS; run++)
        if (run_start(trees, run) == tree + 1) return 1;
    return 0;
}

/* The tests of every categorical lane, and for each code which of them send it right. */
static int make_codes(Model *m)
{
    int64_t lanes = m->lane_count - m->category_lane, size = 0;
    m->codes = calloc(lanes + 1, sizeof *m->codes);
    if (!m->codes) return 0;
    for (int64_t i = 0; i < m->link_count; i++)
        if (m->tests[i].lane >= m->category_lane) m->codes[m->tests[i].lane - m->category_lane].tests++;
    m->expanded_lanes = m->lane_count;
    for (int64_t c = 0; c < lanes; c++) {
        Codes *codes = m->codes + c;
        codes->bytes = (codes->tests + 7) / 8;
        codes->first = size;
        codes->expanded = m->expanded_lanes;
        codes->tests = 0;
        size += 256 * codes->bytes;
        m->expanded_lanes += 8 * codes->bytes;
    }
    m->code_bits = calloc(size + 1, 1);
    return m->code_bits && m->expanded_lanes < MOST_STEP_LANES;
}

/* The lane and threshold of a test for one row: a categorical one has a lane of its own. */
static Step step_test(Model *m, const Test *test)
{
    if (test->lane < m->category_lane)
        return (Step)test->lane << 32 | (Step)(test->with & 255) << 56;
    Codes *codes = m->codes + test->lane - m->category_lane;
    const uint32_t *bits = m->sets + 8 * (int64_t)test->with;
    int64_t place = codes->tests++;
    for (int64_t code = 0; code < 256; code++)
        m->code_bits[codes->first + code * codes->bytes + place / 8] |=
            (bits[code >> 5] >> (code & 31) & 1) << place % 8;
    return (Step)(codes->expanded + place) << 32;
}

static void step_tree(Model *m, int64_t number, Step *tests, int64_t *places)
{
    const Tree *tree = m->trees + number;
    const Step after = ends_run(m->raw.trees, number) ? 0 : number + 2;
    const Link *links = m->links + tree->first;
    int64_t next = m->step_count;
    for (int32_t i = 0; i < tree->nodes; i++)
        tests[m->tests[tree->first + i].node] = step_test(m, m->tests + tree->first + i);
    places[0] = number + 1;
    for (int32_t i = 0; i < tree->nodes; i++) {
        m->steps[places[i]] = tests[i] | (Step)next;
        places[links[i].sides[0]] = next++;
        places[links[i].sides[1]] = next++;
    }
    for (int32_t i = 0; i <= tree->nodes; i++) {
        m->steps[places[tree->nodes + i]] = LEAF | NEVER_RIGHT | after;
        m->ends[places[tree->nodes + i]] = m->leaves[tree->first_leaf + i];
    }
    m->step_count = next;
}

/* Place 0 is the stop; the roots follow, one a tree. */
static int make_steps(Model *m)
{
    int64_t trees = m->raw.trees, size = 2 * m->raw.nodes + trees + 1;
    if (m->raw_trees || size > UINT32_MAX) return 1;
    Step *tests = calloc(m->raw.nodes + 1, sizeof *tests);
    int64_t *places = calloc(2 * m->raw.nodes + 2, sizeof *places);
    m->steps = calloc(size, sizeof *m->steps);
    m->ends = calloc(size, sizeof *m->ends);
    int whole = tests && places && m->steps && m->ends && make_codes(m);
    if (whole) m->steps[0] = NEVER_RIGHT;
    m->step_count = trees + 1;
    for (int64_t i = 0; whole && i < trees; i++) step_tree(m, i, tests, places);
    free(tests), free(places);
    return whole;
}

void trees_free(Model *m)
{
    if (!m) return;
    free(m->numbers), free(m->ranked), free(m->lanes), free(m->trees);
    free(m->links), free(m->tests), free(m->leaves), free(m->sets);
    free(m->steps), free(m->ends), free(m->codes), free(m->code_bits), free(m);
}

/* NULL where the tables don't fit together, or memory is short. They must outlive the model. */
Model *trees_new(const Tables *tables)
{
    Model *m = calloc(1, sizeof *m);
    int32_t *lane_of = calloc(16 * (tables->columns + 1), sizeof *lane_of);
    int whole = m && lane_of && is_whole(tables);
    if (whole) m->raw = *tables;
    whole = whole && rank_thresholds(m) && make_lanes(m, lane_of) && make_trees(m, lane_of)
        && make_steps(m);
    free(lane_of);
    if (whole) return m;
    trees_free(m);
    return NULL;
}
