/* Sums of trees, to the bit those of trees.py, for any model: nothing here is made for one.

   Every value is first replaced by its rank among the thresholds of its column, one byte, so that
   "at most the threshold" becomes a comparison of bytes. A column has a lane for each way in which
   nodes treat its missing values, and one for every 255 thresholds. 64 rows then go through a tree
   side by side: each node compares all 64 at once, and what reaches a child is an AND. Trees too
   large for that, and single rows, are walked without branches, several at a time. What no byte can
   say (categories from 255 on) is looked up in the tables as they came.

   Additions are in the order of the trees for each row, as in the reference: compile without
   -ffast-math and with -ffp-contract=off. */

#include "trees_model.h"

#include "trees_build.h"
#include "trees_steps.h"

#include "trees_masks.h"
#include "trees_shapley.h"

/* ---- rows by the thousand ---- */

EVERY double added(const Model *m, double total, double leaf)
{
    return m->raw.single ? (float)(total + leaf) : total + leaf;
}

EVERY void add_tree(const Model *m, const Tree *tree, const uint8_t *lanes, double *sums,
                    Masked *masked)
{
    uint16_t reached[ROWS];
    const double *leaves = m->leaves + tree->first_leaf;
    masked(m, tree, lanes, reached);
    if (m->raw.single)
        for (int r = 0; r < ROWS; r++) sums[r] = (float)(sums[r] + leaves[reached[r]]);
    else
        for (int r = 0; r < ROWS; r++) sums[r] += leaves[reached[r]];
}

EVERY void sum_rows(const Model *m, const double *values, int64_t rows, double *out,
                    uint8_t *lanes, int64_t blocks, Masked *masked)
{
    int64_t columns = m->raw.columns, size = (m->lane_count + 1) * ROWS;
    double sums[MOST_BLOCKS][ROWS], start = m->raw.single ? (float)m->raw.start : m->raw.start;
    for (int64_t done = 0; done < rows; done += blocks * ROWS) {
        int64_t left = rows - done, used = left < blocks * ROWS ? (left + ROWS - 1) / ROWS : blocks;
        const double *first = values + done * columns;
        for (int64_t b = 0; b < used; b++) {
            int64_t here = left - b * ROWS;
            lanes_of_block(m, first + b * ROWS * columns, here < ROWS ? here : ROWS,
                           lanes + b * size);
            for (int r = 0; r < ROWS; r++) sums[b][r] = start;
        }
        for (int64_t i = 0; i < m->raw.trees; i++)
            for (int64_t b = 0; b < used; b++)
                if (m->trees[i].kind != RAW)
                    add_tree(m, m->trees + i, lanes + b * size, sums[b], masked);
                else
                    for (int64_t r = 0; r < ROWS && b * ROWS + r < left; r++)
                        sums[b][r] = added(m, sums[b][r],
                            raw_leaf(&m->raw, m->trees[i].root, first + (b * ROWS + r) * columns));
        memcpy(out + done, sums, (left < used * ROWS ? left : used * ROWS) * sizeof *out);
    }
}

typedef void SumRows(const Model *, const double *, int64_t, double *, uint8_t *, int64_t);

static void sum_rows_plain(const Model *m, const double *values, int64_t rows, double *out,
                           uint8_t *lanes, int64_t blocks)
{
    sum_rows(m, values, rows, out, lanes, blocks, masked_plain);
}

#ifdef X86
AVX2 static void sum_rows_avx2(const Model *m, const double *values, int64_t rows, double *out,
                               uint8_t *lanes, int64_t blocks)
{
    sum_rows(m, values, rows, out, lanes, blocks, masked_avx2);
}

AVX512 static void sum_rows_avx512(const Model *m, const double *values, int64_t rows, double *out,
                                   uint8_t *lanes, int64_t blocks)
{
    sum_rows(m, values, rows, out, lanes, blocks, masked_avx512);
}
#endif

/* What this processor can do: 0 anything, 1 AVX2, 2 AVX-512 with VBMI. */
int trees_width(void)
{
#ifdef X86
    if (__builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512bw")) return 2;
    if (__builtin_cpu_supports("avx2")) return 1;
#endif
    return 0;
}

/* Sums of rows, shape (rows, columns), into `out`; 0, or -1 where memory is short. */
int trees_rows(const Model *m, const double *values, int64_t rows, double *out, int width)
{
    int64_t blocks = LANE_BYTES / (ROWS * (m->lane_count + 1));
    blocks = blocks < 1 ? 1 : blocks > MOST_BLOCKS ? MOST_BLOCKS : blocks;
    uint8_t *lanes = calloc(blocks, ROWS * (m->lane_count + 1));
    SumRows *sum = sum_rows_plain;
#ifdef X86
    if (width > trees_width()) width = trees_width();
    if (width == 1) sum = sum_rows_avx2;
    if (width == 2) sum = sum_rows_avx512;
#endif
    if (!lanes) return -1;
    sum(m, values, rows, out, lanes, blocks);
    free(lanes);
    return 0;
}

/* ---- one row: trees are walked side by side ---- */

/* The bits of a code, a byte each. */
static void expand(const Codes *codes, const uint8_t *bits, uint8_t *out)
{
    for (int64_t i = 0; i < codes->bytes; i++) {
        uint64_t bytes = bits[i] * 0x0101010101010101u & 0x8040201008040201u;
        bytes = (bytes + 0x7f7f7f7f7f7f7f7fu) >> 7 & 0x0101010101010101u;
        memcpy(out + 8 * i, &bytes, 8);
    }
}

/* Leaves go to `reached`, a place a tree, one more for each run. */
static void walk_row(const Model *m, const uint8_t *lanes, uint32_t *reached)
{
    const Step *steps = m->steps;
    uint32_t place[RUNS], *next[RUNS], *end[RUNS];
    int going;
    for (int64_t k = 0; k < RUNS; k++) {
        int64_t start = run_start(m->raw.trees, k), stop = run_start(m->raw.trees, k + 1);
        place[k] = start < stop ? start + 1 : 0;
        next[k] = reached + start + k;
        end[k] = reached + stop + k;
    }
    do {
        going = 0;
        for (int s = 0; s < STEPS; s++)
            for (int k = 0; k < RUNS; k++) {
                Step step = steps[place[k]];
                *next[k] = place[k];
                next[k] += step >> 55 & 1;
                place[k] = (uint32_t)step + (lanes[step >> 32 & (MOST_STEP_LANES - 1)] > step >> 56);
            }
        for (int k = 0; k < RUNS; k++) going |= next[k] < end[k];
    } while (going);
}

/* `room` has trees_room() bytes. */
double trees_row(const Model *m, const double *row, void *room)
{
    uint32_t *reached = room;
    uint8_t *lanes = (uint8_t *)(reached + m->raw.trees + RUNS);
    double total = m->raw.single ? (float)m->raw.start : m->raw.start;
    if (m->raw_trees) {
        for (int64_t i = 0; i < m->raw.trees; i++)
            total = added(m, total, raw_leaf(&m->raw, m->trees[i].root, row));
        return total;
    }
    lanes_of_row(m, row, lanes, 1);
    for (int64_t i = m->category_lane; i < m->lane_count; i++) {
        const Codes *codes = m->codes + i - m->category_lane;
        expand(codes, m->code_bits + codes->first + lanes[i] * codes->bytes, lanes + codes->expanded);
    }
    walk_row(m, lanes, reached);
    for (int64_t k = 0; k < RUNS; k++)
        for (int64_t i = run_start(m->raw.trees, k); i < run_start(m->raw.trees, k + 1); i++)
            total = added(m, total, m->ends[reached[i + k]]);
    return total;
}

int64_t trees_room(const Model *m) { return 4 * (m->raw.trees + RUNS) + m->expanded_lanes + 8; }

/* ---- links, by the C library's exp, as LightGBM computes them ---- */

void trees_logistic(double *values, int64_t count, double steepness)
{
    for (int64_t i = 0; i < count; i++) values[i] = 1.0 / (1.0 + exp(-steepness * values[i]));
}

/* Rows of `classes` totals become shares. */
void trees_softmax(double *values, int64_t rows, int64_t classes)
{
    for (double *row = values; rows--; row += classes) {
        double most = row[0], sum = 0;
        for (int64_t k = 1; k < classes; k++) most = most > row[k] ? most : row[k];
        for (int64_t k = 0; k < classes; k++) sum += row[k] = exp(row[k] - most);
        for (int64_t k = 0; k < classes; k++) row[k] /= sum;
    }
}
