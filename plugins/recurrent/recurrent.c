/* recurrent.c -- the plugin `recurrent`: LSTM, GRU and RNN over sequences, and their cells. */
#include "recurrent.h"

#define X LURON_PORT("input", 0, LURON_REAL, 3, "(n, t, input_size)")
#define STATE(name) LURON_PORT(name, LURON_PORT_OPTIONAL, LURON_REAL, 3, "first state, (layers * directions, n, hidden_size); zeros if absent")
#define Y LURON_PORT("output", 0, LURON_REAL, 3, "(n, t, directions * hidden_size)")
#define FINAL(name) LURON_PORT(name, 0, LURON_REAL, 3, "last state, (layers * directions, n, hidden_size)")
#define CELL_X LURON_PORT("input", 0, LURON_REAL, 2, "(n, input_size)")
#define CELL_IN(name) LURON_PORT(name, LURON_PORT_OPTIONAL, LURON_REAL, 2, "state, (n, hidden_size); zeros if absent")
#define CELL_OUT(name) LURON_PORT(name, 0, LURON_REAL, 2, "next state, (n, hidden_size)")
#define HOLDS                                                                                                          \
    LURON_PORT("lengths", LURON_PORT_OPTIONAL, LURON_I64, 1, "(n) places of each sequence; behind them outputs are 0"), \
        LURON_PORT("mask", LURON_PORT_OPTIONAL, LURON_B8, 2, "(n, t): where it is false, state and output stay")
const luron_port *const rnn_in[] = { X, STATE("h_0"), HOLDS, NULL }, *const rnn_in_c[] = { X, STATE("h_0"), STATE("c_0"), HOLDS, NULL };
const luron_port *const rnn_out[] = { Y, FINAL("h_n"), NULL }, *const rnn_out_c[] = { Y, FINAL("h_n"), FINAL("c_n"), NULL };
const luron_port *const rnn_cell_in[] = { CELL_X, CELL_IN("h"), NULL }, *const rnn_cell_in_c[] = { CELL_X, CELL_IN("h"), CELL_IN("c"), NULL };
const luron_port *const rnn_cell_out[] = { CELL_OUT("h"), NULL }, *const rnn_cell_out_c[] = { CELL_OUT("h"), CELL_OUT("c"), NULL };

static const luron_layer_type *const layers[] = { &rnn_lstm, &rnn_gru, &rnn_rnn, &rnn_lstm_one, &rnn_gru_one, &rnn_rnn_one, NULL };
LURON_PLUGIN_DEFINE(recurrent) = { .struct_size = sizeof(luron_plugin), .abi_major = LURON_ABI_MAJOR, .name = "recurrent", .version = "0.1.0",
    .layers = layers };
