#include "core/division.h"

#include <math.h>

/* Of the pool's cost model: a second thread must have this much to do, and a block is no less. */
static const double parallel_cycles_min = 210000, block_cycles = 40000;
static const double cycles_per_byte = 11.0 / 64; /* loaded or stored */
/* Of MLAS: multiply-adds that a thread of its own is worth, and the columns of a piece. */
static const double products_per_thread = 65536, columns_per_piece = 16;

struct division division_pieces(double pieces) {
    return (struct division){.items = 1, .pieces = pieces, .forks = 1};
}

struct division division_by_cost(double iterations, double cycles) {
    if (!(iterations * cycles >= parallel_cycles_min))
        return (struct division){0};
    return division_pieces(ceil(iterations / fmax(floor(block_cycles / cycles), 1)));
}

double division_stream_cycles(double bytes, double cycles) {
    return bytes * cycles_per_byte + cycles;
}

/* Rows or columns are cut, whichever there are more of, never both. */
struct division division_products(double products, double m, double n, double k) {
    return (struct division){.items = products,
                             .pieces = n > m ? ceil(n / columns_per_piece) : m,
                             .threads_max = floor(m * n * k / products_per_thread) + 1,
                             .forks = 1};
}

/* Pieces of each item that are made for so many threads. */
static double pieces_for(const struct division *d, uint32_t threads) {
    double wanted = d->threads_max > 0 ? fmin(d->threads_max, threads) : threads;
    return fmax(fmin(ceil(wanted / d->items), d->pieces), 1);
}

static double tasks_for(const struct division *d, uint32_t threads) {
    return threads > 1 && d->items > 0 ? d->items * pieces_for(d, threads) : 1;
}

double division_share(const struct division *division, uint32_t threads) {
    double tasks = tasks_for(division, threads);
    if (tasks <= 1)
        return 1;
    double cut = pieces_for(division, threads), pieces = fmax(division->pieces, 1);
    double largest = ceil(pieces / cut) / pieces; /* of an item */
    return fmin(ceil(tasks / fmin(tasks, threads)) * largest / division->items, 1);
}

double division_forks(const struct division *division, uint32_t threads) {
    return tasks_for(division, threads) > 1 ? division->forks : 0;
}
