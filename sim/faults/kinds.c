#include "faults/kinds.h"

const struct fault_ops *const fault_kinds[FAULT_KINDS] = {
    [FAULT_CRASH] = &fault_crash,         [FAULT_HANG] = &fault_hang, [FAULT_GPU_ERROR] = &fault_gpu_error,
    [FAULT_NODE_LOSS] = &fault_node_loss, [FAULT_SLOW] = &fault_slow, [FAULT_STRAGGLER] = &fault_straggler,
};
