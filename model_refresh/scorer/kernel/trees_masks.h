/* The lanes of rows, and 64 rows through one tree; see trees.c. */

/* ---- ranks of values ---- */

EVERY uint8_t lane_value(const Lane *lane, int32_t rank, int is_missing)
{
    int32_t byte = rank - RANKS * lane->chunk;
    byte = byte < 0 ? 0 : byte > 255 ? 255 : byte;
    return is_missing ? (lane->flags & DEFAULT_LEFT ? 0 : 255) : byte;
}

EVERY int is_missing(int32_t flags, double value)
{
    int32_t missing = flags & MISSING;
    int zero = (value >= -ZERO) & (value <= ZERO);
    return (missing != 0) & ((value != value) | (zero & (missing == MISSING_ZERO)));
}

EVERY uint8_t code_of(const Lane *lane, double value)
{
    int32_t most = most_code(lane->flags);
    if (isnan(value)) return 255;
    return value > -1 && value < most + 1 ? (uint8_t)value : most + 1;
}

EVERY double as_read(const Model *m, double value)
{
    return m->raw.single ? (float)value : value;
}

EVERY double for_rank(double value) { return value != value ? 0 : value > MOST ? MOST : value; }

/* `stride` bytes lie between the lanes of a row. */
static void lanes_of_row(const Model *m, const double *row, uint8_t *out, int64_t stride)
{
    for (int64_t n = 0; n < m->number_count; n++) {
        const Number *number = m->numbers + n;
        double value = as_read(m, row[number->column]);
        int32_t rank = rank_of(m, number, for_rank(value));
        for (int32_t i = number->first_lane; i < number->first_lane + number->lanes; i++)
            out[i * stride] = lane_value(m->lanes + i, rank, is_missing(m->lanes[i].flags, value));
    }
    for (int64_t i = m->category_lane; i < m->lane_count; i++)
        out[i * stride] = code_of(m->lanes + i, as_read(m, row[m->lanes[i].column]));
}

EVERY void lanes_of_number(const Model *m, const Number *number, const double *values, int rows,
                           uint8_t *out)
{
    const double *kept = m->ranked + number->first;
    double read[ROWS], asked[ROWS];
    int32_t rank[ROWS] = {0};
    for (int r = 0; r < ROWS; r++) {
        int64_t row = r < rows ? r : rows - 1;
        read[r] = as_read(m, values[row * m->raw.columns + number->column]);
        asked[r] = for_rank(read[r]);
    }
    for (int32_t half = number->width / 2; half; half /= 2)
        for (int r = 0; r < ROWS; r++)
            rank[r] += half & -(kept[rank[r] + half - 1] < asked[r]);
    for (int32_t i = number->first_lane; i < number->first_lane + number->lanes; i++)
        for (int r = 0; r < ROWS; r++)
            out[i * ROWS + r] = lane_value(m->lanes + i, rank[r], is_missing(m->lanes[i].flags, read[r]));
}

EVERY void lanes_of_block(const Model *m, const double *values, int rows, uint8_t *out)
{
    for (int64_t n = 0; n < m->number_count; n++)
        lanes_of_number(m, m->numbers + n, values, rows, out);
    for (int64_t i = m->category_lane; i < m->lane_count; i++)
        for (int r = 0; r < ROWS; r++) {
            int64_t row = r < rows ? r : rows - 1;
            double value = values[row * m->raw.columns + m->lanes[i].column];
            out[i * ROWS + r] = code_of(m->lanes + i, as_read(m, value));
        }
}

/* ---- 64 rows through one tree: `reached` gets the place of each row's leaf ---- */

typedef void Masked(const Model *, const Tree *, const uint8_t *lanes, uint16_t *reached);
typedef void InSet(const uint32_t *set, const uint8_t *codes, uint8_t *right);

static void in_set_plain(const uint32_t *set, const uint8_t *codes, uint8_t *right)
{
    for (int r = 0; r < ROWS; r++) right[r] = -(set[codes[r] >> 5] >> (codes[r] & 31) & 1);
}

/* The decisions of every node are known: large trees are walked. `goes` is a byte a row, or a bit. */
EVERY void walked_bytes(const Tree *tree, const Link *links, const uint8_t (*goes)[ROWS],
                        uint16_t *reached)
{
    for (int r = 0; r < ROWS; r++) {
        int32_t place = 0;
        while (place < tree->nodes) place = links[place].sides[goes[place][r] & 1];
        reached[r] = place - tree->nodes;
    }
}

EVERY void reached_bytes(const Tree *tree, const Link *links, const uint8_t (*goes)[ROWS],
                         uint16_t *reached)
{
    uint8_t reach[2 * MASKED_LEAVES][ROWS], found[ROWS] = {0};
    memset(reach[0], 255, ROWS);
    for (int32_t i = 0; i < tree->nodes; i++) {
        const uint8_t *here = reach[i], *right = goes[i];
        uint8_t *one = reach[links[i].sides[0]], *other = reach[links[i].sides[1]];
        for (int r = 0; r < ROWS; r++) {
            one[r] = here[r] & ~right[r];
            other[r] = here[r] & right[r];
        }
    }
    for (int32_t leaf = 0; leaf <= tree->nodes; leaf++)
        for (int r = 0; r < ROWS; r++) found[r] |= reach[tree->nodes + leaf][r] & leaf;
    for (int r = 0; r < ROWS; r++) reached[r] = found[r];
}

/* A byte a row: 255 where it is there. */
EVERY void masked_bytes(const Model *m, const Tree *tree, const uint8_t *lanes, uint16_t *reached,
                        InSet *in_set)
{
    const Link *links = m->links + tree->first;
    const Test *tests = m->tests + tree->first;
    uint8_t goes[WALKED_LEAVES][ROWS];
    for (int32_t i = 0; i < tree->numeric; i++) {
        const uint8_t *codes = lanes + tests[i].lane * ROWS;
        uint8_t *right = goes[tests[i].node], threshold = tests[i].with;
        for (int r = 0; r < ROWS; r++) right[r] = codes[r] > threshold ? 255 : 0;
    }
    for (int32_t i = tree->numeric; i < tree->nodes; i++)
        in_set(m->sets + 8 * (int64_t)tests[i].with, lanes + tests[i].lane * ROWS,
               goes[tests[i].node]);
    if (tree->kind == WALKED) walked_bytes(tree, links, goes, reached);
    else reached_bytes(tree, links, goes, reached);
}

static void masked_plain(const Model *m, const Tree *tree, const uint8_t *lanes, uint16_t *reached)
{
    masked_bytes(m, tree, lanes, reached, in_set_plain);
}

#ifdef X86
AVX2 static void in_set_avx2(const uint32_t *set, const uint8_t *codes, uint8_t *right)
{
    const __m256i bit_of = _mm256_set1_epi64x(0x8040201008040201);
    __m256i low = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)set));
    __m256i high = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)set + 1));
    for (int r = 0; r < ROWS; r += 32) {
        __m256i code = _mm256_loadu_si256((const __m256i *)(codes + r));
        __m256i place = _mm256_and_si256(_mm256_srli_epi16(code, 3), _mm256_set1_epi8(31));
        __m256i is_high = _mm256_cmpgt_epi8(place, _mm256_set1_epi8(15));
        __m256i bytes = _mm256_blendv_epi8(_mm256_shuffle_epi8(low, place),
                                           _mm256_shuffle_epi8(high, place), is_high);
        __m256i bit = _mm256_shuffle_epi8(bit_of, _mm256_and_si256(code, _mm256_set1_epi8(7)));
        __m256i goes = _mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit), bit);
        _mm256_storeu_si256((__m256i *)(right + r), goes);
    }
}

AVX2 static void masked_avx2(const Model *m, const Tree *tree, const uint8_t *lanes,
                             uint16_t *reached)
{
    masked_bytes(m, tree, lanes, reached, in_set_avx2);
}

/* A bit a row. */
AVX512 static void masked_avx512(const Model *m, const Tree *tree, const uint8_t *lanes,
                                 uint16_t *reached)
{
    const Link *links = m->links + tree->first;
    const Test *tests = m->tests + tree->first;
    uint64_t right[WALKED_LEAVES], reach[2 * MASKED_LEAVES];
    for (int32_t i = 0; i < tree->numeric; i++) {
        __m512i codes = _mm512_loadu_si512(lanes + tests[i].lane * ROWS);
        right[tests[i].node] = _mm512_cmpgt_epu8_mask(codes, _mm512_set1_epi32(tests[i].with));
    }
    const __m512i bit_of = _mm512_set1_epi64(0x8040201008040201);
    for (int32_t i = tree->numeric; i < tree->nodes; i++) {
        __m512i set = _mm512_castsi256_si512(
            _mm256_loadu_si256((const __m256i *)(m->sets + 8 * (int64_t)tests[i].with)));
        __m512i codes = _mm512_loadu_si512(lanes + tests[i].lane * ROWS);
        __m512i place = _mm512_and_si512(_mm512_srli_epi16(codes, 3), _mm512_set1_epi8(31));
        __m512i bit = _mm512_shuffle_epi8(bit_of, _mm512_and_si512(codes, _mm512_set1_epi8(7)));
        right[tests[i].node] = _mm512_test_epi8_mask(_mm512_permutexvar_epi8(place, set), bit);
    }
    if (tree->kind == WALKED) {
        for (int r = 0; r < ROWS; r++) {
            int32_t place = 0;
            while (place < tree->nodes) place = links[place].sides[right[place] >> r & 1];
            reached[r] = place - tree->nodes;
        }
        return;
    }
    reach[0] = ~(uint64_t)0;
    for (int32_t i = 0; i < tree->nodes; i++) {
        uint64_t here = reach[i], goes = right[i];
        reach[links[i].sides[0]] = here & ~goes;
        reach[links[i].sides[1]] = here & goes;
    }
    const uint64_t *ends = reach + tree->nodes;
    __m512i even = _mm512_setzero_si512(), odd = even, leaf = even;
    for (int32_t i = 0; i < tree->nodes; i += 2) {
        even = _mm512_mask_mov_epi8(even, ends[i], leaf);
        leaf = _mm512_add_epi8(leaf, _mm512_set1_epi8(1));
        odd = _mm512_mask_mov_epi8(odd, ends[i + 1], leaf);
        leaf = _mm512_add_epi8(leaf, _mm512_set1_epi8(1));
    }
    if (tree->nodes % 2 == 0) even = _mm512_mask_mov_epi8(even, ends[tree->nodes], leaf);
    even = _mm512_or_si512(even, odd);
    _mm512_storeu_si512(reached, _mm512_cvtepu8_epi16(_mm512_castsi512_si256(even)));
    _mm512_storeu_si512(reached + 32, _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(even, 1)));
}
#endif
