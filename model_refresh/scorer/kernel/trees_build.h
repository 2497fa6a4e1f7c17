/* From the tables to lanes and trees; see trees.c. */

static int is_whole(const Tables *t)
{
    if (t->columns < 0 || t->set_starts[0] != 0 || t->set_starts[t->sets] > t->words) return 0;
    for (int64_t s = 0; s < t->sets; s++)
        if (t->set_starts[s] > t->set_starts[s + 1]) return 0;
    for (int64_t i = 0; i < t->trees; i++)
        if (t->roots[i] >= t->nodes || t->roots[i] < -t->leaves) return 0;
    for (int64_t i = 0; i < t->nodes; i++) {
        if (t->feature[i] < 0 || t->feature[i] >= t->columns) return 0;
        if (t->left[i] >= t->nodes || t->left[i] < -t->leaves) return 0;
        if (t->right[i] >= t->nodes || t->right[i] < -t->leaves) return 0;
        if (isnan(t->threshold[i]) || t->flags[i] < 0 || t->flags[i] > 11) return 0;
        if (t->flags[i] & CATEGORICAL && !(t->threshold[i] >= 0 && t->threshold[i] < t->sets))
            return 0;
    }
    return 1;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Gathers the sorted distinct thresholds of every column that has numeric nodes. */
static int rank_thresholds(Model *m)
{
    const Tables *t = &m->raw;
    int64_t *ends = calloc(t->columns + 1, sizeof *ends);
    double *all = malloc((t->nodes + 1) * sizeof *all);
    m->numbers = calloc(t->columns + 1, sizeof *m->numbers);
    m->ranked = malloc((3 * t->nodes + t->columns + 1) * sizeof *m->ranked);
    if (!ends || !all || !m->numbers || !m->ranked) {
        free(ends), free(all);
        return 0;
    }
    for (int64_t i = 0; i < t->nodes; i++)
        if (!(t->flags[i] & CATEGORICAL)) ends[t->feature[i] + 1]++;
    for (int64_t c = 0; c < t->columns; c++) ends[c + 1] += ends[c];
    for (int64_t i = 0; i < t->nodes; i++)
        if (!(t->flags[i] & CATEGORICAL)) all[ends[t->feature[i]]++] = t->threshold[i];
    int32_t start = 0, used = 0;
    for (int64_t c = 0; c < t->columns; start = ends[c++]) {
        int32_t met = ends[c] - start, count = 0, width = 1;
        if (!met) continue;
        qsort(all + start, met, sizeof *all, by_size);
        double *kept = m->ranked + used;
        for (int32_t i = 0; i < met; i++)
            if (!count || all[start + i] != kept[count - 1]) kept[count++] = all[start + i];
        while (width <= count) width *= 2;
        for (int32_t i = count; i < width; i++) kept[i] = INFINITY;
        m->numbers[m->number_count++] = (Number){c, used, count, width, 0, 0};
        used += width;
    }
    free(ends), free(all);
    return 1;
}

EVERY int32_t rank_of(const Model *m, const Number *number, double value)
{
    const double *kept = m->ranked + number->first;
    int32_t rank = 0;
    for (int32_t half = number->width / 2; half; half /= 2)
        rank += half & -(kept[rank + half - 1] < value);
    return rank;
}

static int32_t way_of(int32_t flags) /* what tells lanes of a column apart */
{
    if (flags & CATEGORICAL) return flags & (CATEGORICAL | DEFAULT_LEFT);
    return flags & MISSING ? flags & (MISSING | DEFAULT_LEFT) : 0;
}

EVERY int32_t most_code(int32_t flags) { return flags & DEFAULT_LEFT ? 253 : 254; }

static int64_t last_category(const Tables *t, int32_t set)
{
    int64_t word = t->set_starts[set + 1] - 1;
    while (word >= t->set_starts[set] && !t->set_words[word]) word--;
    if (word < t->set_starts[set]) return -1;
    int bit = 31;
    while (!(t->set_words[word] >> bit & 1)) bit--;
    return 32 * (word - t->set_starts[set]) + bit;
}

static int is_narrow(const Tables *t, int32_t node)
{
    if (!(t->flags[node] & CATEGORICAL)) return 1;
    return last_category(t, (int32_t)t->threshold[node]) <= most_code(t->flags[node]);
}

/* Lanes of numeric columns first, those of a column side by side; then those of categories. */
static int make_lanes(Model *m, int32_t *lane_of)
{
    const Tables *t = &m->raw;
    uint32_t *met = calloc(t->columns + 1, sizeof *met); /* a bit for each way */
    int64_t most = 0;
    if (!met) return 0;
    for (int64_t i = 0; i < t->nodes; i++)
        if (is_narrow(t, i)) met[t->feature[i]] |= 1u << way_of(t->flags[i]);
    for (int64_t n = 0; n < m->number_count; n++) most += 5 * (m->numbers[n].count / RANKS + 1);
    m->lanes = calloc(most + 2 * t->columns + 1, sizeof *m->lanes);
    if (!m->lanes) {
        free(met);
        return 0;
    }
    for (int64_t n = 0; n < m->number_count; n++) {
        Number *number = m->numbers + n;
        number->first_lane = m->lane_count;
        for (int32_t way = 0; way < 16; way++) {
            if (way & CATEGORICAL || !(met[number->column] >> way & 1)) continue;
            lane_of[16 * number->column + way] = m->lane_count;
            for (int32_t chunk = 0; chunk * RANKS < number->count; chunk++)
                m->lanes[m->lane_count++] = (Lane){number->column, way, chunk};
        }
        number->lanes = m->lane_count - number->first_lane;
    }
    m->category_lane = m->lane_count;
    for (int64_t c = 0; c < t->columns; c++)
        for (int32_t way = 1; way < 4; way += 2)
            if (met[c] >> way & 1) {
                lane_of[16 * c + way] = m->lane_count;
                m->lanes[m->lane_count++] = (Lane){c, way, 0};
            }
    free(met);
    return 1;
}

/* The nodes of a tree from the root down, parents first; -1 where it is no tree. */
static int64_t order_nodes(const Tables *t, int32_t root, int32_t *order, uint8_t *seen)
{
    int64_t count = 0, top = 0;
    int32_t *waiting = order + t->nodes; /* as long again */
    waiting[top++] = root;
    while (top) {
        int32_t place = waiting[--top];
        if (place < 0) continue;
        if (seen[place]) return -1;
        seen[place] = 1;
        order[count++] = place;
        if (t->right[place] >= 0) waiting[top++] = t->right[place];
        if (t->left[place] >= 0) waiting[top++] = t->left[place];
    }
    return count;
}

static void fill_set(Model *m, Test *test, int32_t raw)
{
    const Tables *t = &m->raw;
    int32_t set = (int32_t)t->threshold[raw], words = t->set_starts[set + 1] - t->set_starts[set];
    uint32_t *bits = m->sets + 8 * m->set_count;
    for (int32_t i = 0; i < 8; i++)
        bits[i] = ~(i < words ? t->set_words[t->set_starts[set] + i] : 0);
    if (t->flags[raw] & DEFAULT_LEFT) bits[7] = (bits[7] | 1u << 30) & ~(1u << 31);
    test->with = m->set_count++;
}

static Test test_of(Model *m, int32_t raw, int32_t node, const int32_t *lane_of)
{
    const Tables *t = &m->raw;
    Test test = {0, lane_of[16 * t->feature[raw] + way_of(t->flags[raw])], node};
    if (t->flags[raw] & CATEGORICAL) {
        fill_set(m, &test, raw);
        return test;
    }
    int64_t low = 0, high = m->number_count - 1;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (m->numbers[middle].column < t->feature[raw]) low = middle + 1;
        else high = middle;
    }
    int32_t rank = rank_of(m, m->numbers + low, t->threshold[raw]);
    test.lane += rank / RANKS;
    test.with = rank % RANKS * 0x01010101u;
    return test;
}

static void fill_tree(Model *m, Tree *tree, const int32_t *order, int32_t *slots,
                      const int32_t *lane_of)
{
    const Tables *t = &m->raw;
    int32_t leaves = 0, last = tree->nodes;
    Link *links = m->links + m->link_count;
    Test *tests = m->tests + m->link_count;
    tree->first = m->link_count;
    tree->first_leaf = m->leaf_count;
    for (int32_t i = 0; i < tree->nodes; i++) slots[order[i]] = i;
    for (int32_t i = 0; i < tree->nodes; i++) {
        int32_t sides[2] = {t->left[order[i]], t->right[order[i]]};
        for (int side = 0; side < 2; side++) {
            links[i].sides[side] = sides[side] >= 0 ? slots[sides[side]] : tree->nodes + leaves;
            if (sides[side] < 0) m->leaves[m->leaf_count + leaves++] = t->leaf_values[~sides[side]];
        }
        Test test = test_of(m, order[i], i, lane_of);
        tests[test.lane >= m->category_lane ? --last : tree->numeric++] = test;
    }
    if (!tree->nodes) m->leaves[m->leaf_count + leaves++] = t->leaf_values[~tree->root];
    m->link_count += tree->nodes;
    m->leaf_count += leaves;
}

static int make_trees(Model *m, const int32_t *lane_of)
{
    const Tables *t = &m->raw;
    int32_t *order = malloc((3 * t->nodes + 3) * sizeof *order), *slots = order + 2 * t->nodes + 2;
    uint8_t *seen = calloc(t->nodes + 1, 1);
    m->trees = calloc(t->trees + 1, sizeof *m->trees);
    m->links = calloc(t->nodes + 1, sizeof *m->links);
    m->tests = calloc(t->nodes + 1, sizeof *m->tests);
    m->leaves = calloc(t->nodes + t->trees + 1, sizeof *m->leaves);
    m->sets = calloc(8 * (t->nodes + 1), sizeof *m->sets);
    int whole = order && seen && m->trees && m->links && m->tests && m->leaves && m->sets;
    for (int64_t i = 0; whole && i < t->trees; i++) {
        Tree *tree = m->trees + i;
        int64_t count = order_nodes(t, t->roots[i], order, seen);
        whole = count >= 0;
        if (!whole) break;
        *tree = (Tree){count < MASKED_LEAVES ? MASKED : WALKED, count, 0, t->roots[i], 0, 0};
        if (count >= WALKED_LEAVES || m->lane_count > MOST_LANES) tree->kind = RAW;
        for (int64_t j = 0; j < count; j++)
            if (!is_narrow(t, order[j])) tree->kind = RAW;
        if (tree->kind == RAW) m->raw_trees++;
        else fill_tree(m, tree, order, slots, lane_of);
    }
    free(order), free(seen);
    return whole;
}
