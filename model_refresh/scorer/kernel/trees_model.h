/* What the kernel knows of trees; see trees.c. */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define X86 1
#define AVX2 __attribute__((target("avx2")))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,bmi,bmi2")))
#endif
#ifdef __GNUC__
#define EVERY static inline __attribute__((always_inline))
#else
#define EVERY static inline
#endif

enum { CATEGORICAL = 1, DEFAULT_LEFT = 2, MISSING = 12, MISSING_ZERO = 4, MISSING_NAN = 8 };
enum { ROWS = 64, MOST_BLOCKS = 16, LANE_BYTES = 64 << 10, STEPS = 8, RUNS = 8 };
enum { RANKS = 255, MOST_LANES = 65535, MASKED_LEAVES = 256, WALKED_LEAVES = 2048 };
enum { MOST_STEP_LANES = 1 << 23 };
enum { MASKED, WALKED, RAW };

static const double ZERO = 0x1.a95a5cp-117, MOST = 0x1.fffffffffffffp+1023;

/* The tables of trees.py, in its words. */
typedef struct {
    int64_t columns, trees, nodes, leaves, sets, words;
    const int32_t *roots, *feature, *left, *right, *flags, *set_starts;
    const uint32_t *set_words;
    const double *threshold, *leaf_values, *node_covers, *leaf_covers;
    double start;
    int32_t single;
} Tables;

/* Ranks of a numeric column are asked of its sorted thresholds, padded to a power of two. */
typedef struct {
    int32_t column, first, count, width, lanes, first_lane;
} Number;

/* `chunk` of a numeric lane: which 255 of the thresholds. */
typedef struct {
    int32_t column, flags, chunk;
} Lane;

/* Places in a tree: nodes first, then leaves. */
typedef struct {
    uint16_t sides[2];
} Link;

/* How a node compares: with its threshold, four times over, or with its set, in units of 8 words
   whose bits are those of the codes that go right. */
typedef struct {
    uint32_t with;
    uint16_t lane, node;
} Test;

/* `numeric` of its tests are with thresholds, and come first. `root` is as in the tables. */
typedef struct {
    int32_t kind, nodes, numeric, root;
    int64_t first, first_leaf;
} Tree;

/* What one row is walked by: places are in all of `steps`, and the right child follows the left. The
   leaves of a tree lead to the root of the next, the last of a run to the stop, which leads to
   itself. From the low end: 32 bits the left child, 23 the lane, 1 whether it is a leaf, 8 the
   threshold. */
typedef uint64_t Step;
static const Step LEAF = (Step)1 << 55, NEVER_RIGHT = (Step)255 << 56;

/* A categorical lane's own bits for one row: a bit a test, in the order of the trees, 256 codes. */
typedef struct {
    int64_t tests, bytes, first, expanded;
} Codes;

typedef struct {
    Tables raw;
    Number *numbers;
    double *ranked;
    Lane *lanes;
    Tree *trees;
    Link *links;
    Test *tests;
    double *leaves;
    uint32_t *sets;
    Step *steps;
    double *ends;
    Codes *codes;
    uint8_t *code_bits;
    int64_t number_count, lane_count, category_lane, link_count, leaf_count, set_count, raw_trees;
    int64_t step_count, expanded_lanes;
} Model;

/* ---- the reference's own way, for trees that nothing else can do ---- */

static int in_set(const Tables *t, int32_t set, double value)
{
    if (!(value > -1 && value <= 2147483647.0)) return 0;
    int64_t category = (int64_t)value, word = t->set_starts[set] + (category >> 5);
    return word < t->set_starts[set + 1] && (t->set_words[word] >> (category & 31) & 1);
}

static int goes_left(const Tables *t, int32_t node, double value)
{
    int32_t flags = t->flags[node], missing = flags & MISSING;
    if (flags & CATEGORICAL) {
        if (isnan(value)) return !!(flags & DEFAULT_LEFT);
        return in_set(t, (int32_t)t->threshold[node], value);
    }
    if (isnan(value) && missing != MISSING_NAN) value = 0;
    if (missing == MISSING_NAN ? isnan(value) : missing && value >= -ZERO && value <= ZERO)
        return !!(flags & DEFAULT_LEFT);
    return value <= t->threshold[node] || t->threshold[node] == MOST;
}

static double raw_leaf(const Tables *t, int32_t place, const double *row)
{
    while (place >= 0) {
        double value = row[t->feature[place]];
        if (t->single) value = (float)value;
        place = goes_left(t, place, value) ? t->left[place] : t->right[place];
    }
    return t->leaf_values[~place];
}
