/* luron.h -- everything: include this to load, run, build and train models from C. docs/embedding.md has a program. */
#ifndef LURON_H
#define LURON_H
#include "luron/autograd.h"
#include "luron/checkpoint.h"
#include "luron/context.h"
#include "luron/indexing.h"
#include "luron/layer.h"
#include "luron/linalg.h"
#include "luron/model.h"
#include "luron/ops.h"
#include "luron/optim.h"
#include "luron/plan.h"
#include "luron/plugin.h"
#include "luron/profile.h"
#include "luron/sparse.h"
#include "luron/status.h"
#include "luron/tensor.h"
#include "luron/trace.h"
#include "luron/tracer.h"
#include "luron/version.h"
#endif
