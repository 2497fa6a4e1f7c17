/* TreeSHAP for one row, step by step as in shapley.py; see trees.c. */

enum { MOST_DEPTH = 512 };

/* A column on the path: the share of rows that follow it where it is unknown, and 1 or 0, whether
   this row does. */
typedef struct {
    int32_t column;
    double zero, one, weight;
} Known;

typedef struct {
    const Tables *tables;
    const double *row;
    double *told;
    int too_deep;
} Walk;

static void extend(Known *path, int length, Known known)
{
    known.weight = length ? 0 : 1;
    path[length] = known;
    for (int i = length - 1; i >= 0; i--) {
        path[i + 1].weight += known.one * path[i].weight * (i + 1) / (length + 1);
        path[i].weight = known.zero * path[i].weight * (length - i) / (length + 1);
    }
}

static void forget(Known *path, int length, int met)
{
    int last = length - 1;
    double one = path[met].one, zero = path[met].zero, after = path[last].weight;
    for (int i = last - 1; i >= 0; i--) {
        double before = path[i].weight;
        if (one != 0) {
            path[i].weight = after * (last + 1) / ((i + 1) * one);
            after = before - path[i].weight * zero * (last - i) / (last + 1);
        } else {
            path[i].weight = before * (last + 1) / (zero * (last - i));
        }
    }
    for (int i = met; i < last; i++) {
        path[i].column = path[i + 1].column;
        path[i].zero = path[i + 1].zero;
        path[i].one = path[i + 1].one;
    }
}

static double sum_without(const Known *path, int length, int met)
{
    int last = length - 1;
    double one = path[met].one, zero = path[met].zero, after = path[last].weight, total = 0;
    for (int i = last - 1; i >= 0; i--) {
        if (one != 0) {
            double weight = after * (last + 1) / ((i + 1) * one);
            total += weight;
            after = path[i].weight - weight * zero * ((last - i) / (double)(last + 1));
        } else {
            total += path[i].weight / zero / ((last - i) / (double)(last + 1));
        }
    }
    return total;
}

static double cover(const Tables *t, int32_t place)
{
    return place >= 0 ? t->node_covers[place] : t->leaf_covers[~place];
}

/* The paths of all steps lie one after the other; none has a column twice. */
static void descend(Walk *walk, int32_t place, const Known *before, int length, Known step, int depth)
{
    const Tables *t = walk->tables;
    Known *path = (Known *)before + length;
    if (depth > MOST_DEPTH) walk->too_deep = 1;
    if (walk->too_deep) return;
    memcpy(path, before, length * sizeof *path);
    extend(path, length++, step);
    if (place < 0) {
        for (int i = 1; i < length; i++) {
            double share = sum_without(path, length, i) * (path[i].one - path[i].zero);
            walk->told[path[i].column] += share * t->leaf_values[~place];
        }
        return;
    }
    Known next = {t->feature[place], 1, 1, 0};
    for (int i = 0; i < length; i++)
        if (path[i].column == next.column) {
            next = path[i];
            forget(path, length--, i);
            break;
        }
    int left = goes_left(t, place, walk->row[next.column]);
    int32_t hot = left ? t->left[place] : t->right[place];
    int32_t cold = left ? t->right[place] : t->left[place];
    double zero = next.zero, whole = cover(t, place);
    next.zero = cover(t, hot) / whole * zero;
    descend(walk, hot, path, length, next, depth + 1);
    next.zero = cover(t, cold) / whole * zero;
    next.one = 0;
    descend(walk, cold, path, length, next, depth + 1);
}

/* What each column adds to the total of a row, without the base; 0, or -1 where memory is short or
   a tree too deep. */
int trees_shapley(const Model *m, const double *row, double *told)
{
    const Tables *t = &m->raw;
    Known *paths = malloc((MOST_DEPTH + 3) * (t->columns + 3) * sizeof *paths);
    double *read = malloc((t->columns + 1) * sizeof *read);
    Walk walk = {t, read, told, !paths || !read};
    for (int64_t c = 0; c < t->columns && !walk.too_deep; c++) {
        read[c] = as_read(m, row[c]);
        told[c] = 0;
    }
    for (int64_t i = 0; i < t->trees; i++)
        if (t->roots[i] >= 0) descend(&walk, t->roots[i], paths, 0, (Known){-1, 1, 1, 0}, 0);
    free(paths), free(read);
    return walk.too_deep ? -1 : 0;
}
