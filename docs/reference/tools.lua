-- The module itself: random numbers, threads, memory, plugins.
return {
  title = "The module",
  {
    title = "Random numbers, threads, memory",
    { "luron.seed(seed: integer)", "Seed of all random numbers. The same seed gives the same bits at any number of threads.",
      is = { "(function() luron.seed(1) local a = luron.rand(3) luron.seed(1) return luron.rand(3):eq(a):all():item() end)()", "true" } },
    { "luron.random_state(): integer seed, integer position", "The whole random state." },
    { "luron.set_random_state(seed: integer, position: integer)", "Puts it back." },
    { "luron.threads(n?: integer): integer", "Threads of parallel loops, 1 to 256; with an argument sets it. Results do not depend on it." },
    { "luron.isa(): string", "Instruction set of the kernels in use: `avx512`, `avx2`, `neon` or `plain`." },
    { "luron.memory(): integer bytes, integer blocks", "What tensors, tape and models hold now." },
    { "luron.memory_limit(bytes?: integer): integer", "Bytes that tensors, tape and models may hold at most; 0, as at first: no limit. With an argument sets it. What would lead above it raises. Garbage that is not collected yet counts. For models from strangers: a file of few bytes can describe a graph that asks for any amount when it runs.",
      raises = { "(function() luron.memory_limit(luron.memory() + 1000) local ok, why = pcall(luron.zeros, 1000) luron.memory_limit(0) error(why, 0) end)()", "4000 bytes wanted" } },
    { "luron.trim()", "Collects garbage and gives memory that is kept for reuse back to the system." },
    { "luron.scope(fn: function, ...: any): any", "Runs fn(...) and lets go of every tensor made in it but those that it returns, alone or in tables.",
      is = { "(function() local kept local y = luron.scope(function() kept = luron.ones(2) return kept + 1 end) return tostring(kept) .. y:sum():item() end)()", '"tensor (closed)4.0"' } },
    { "luron.strict(on?: boolean|string): boolean|string", "Looks for faults of plugins while they run: every callback runs on copies first, several times, and what it does wrong raises, with plugin, layer and place. Some thirty times as slow; off at first. With an argument sets it; `\"pages\"`: what reads outside its tensors ends the process, for `luron plugin check`.",
      is = { "(function() local was = luron.strict() luron.strict(true) local is = luron.strict() luron.strict(was) return is end)()", "true" } },
    { "luron.clock(): number", "Seconds from some moment on, by a clock that is never set back." },
    { "luron.fail_alloc(k: integer, sticky?: boolean)", "For tests: the k-th allocation from now fails, with `sticky` all after it too; 0 switches it off." },
  },
  {
    title = "Plugins and types",
    { "luron.help(name?: string): string", "What something does, and which options it has: a layer type, optimiser or file format of a plugin, a function, a schedule, a method; by its name, or as it is written, `\"x:sum\"`, `\"luron.optim.LBFGS\"`. Without a name the list of all.",
      raises = { 'luron.help "LBFSG"', "did you mean 'LBFGS'" } },
    { "luron.types(kind?: string, loaded?: boolean): string[]", "Names of all types of a kind, `\"layer\"` (unless given), `\"optim\"` or `\"format\"`, of all plugins on the path; with `loaded` of those alone that are loaded by now." },
    { "luron.type_info(kind: string, name: string): table?, string? message, string? code", "A type as a table: name, function_name, doc, options and inputs (names in order), is_loss, plugin, plugin_version, plugin_path, abi; and whole: schema (options), ports and outputs as lists of tables, flags and forms as sets.",
      is = { 'luron.type_info("layer", "Linear").schema[1].kind', '"int"' } },
    { "luron.plugins(): table[]", "The plugin files on the path and those that were loaded, each as `{ path = ..., refused = reason }`; `refused` is nil where it was loaded." },
    { "luron.load_plugin(path: string): boolean?, string? message, string? code", "Loads a plugin file; the path must have a `/`. nil, message, code if it is refused.",
      is = { 'select(3, luron.load_plugin "./nothing.so")', '"PLUGIN"' } },
    { "luron.reload(plugin: string): boolean?, string? message, string? code", "Loads the file of a loaded plugin, given by its name, again: all layers and optimisers of its types get the new code and keep weights, gradients and state (docs/plugins.md). true; nil, message, code if the new file is refused, and then nothing has changed; raises if no loaded plugin has that name.",
      is = { 'select(2, pcall(luron.reload, "liner")):match "no [p]lugin.*loaded"', '"no plugin \'liner\' is loaded, did you mean \'linear\'?; loaded"' } },
    { "luron.plugin_index(dir: string)", "Notes in a folder's `index` which plugin has which names (`luron plugin index DIR`)." },
  },
  {
    title = "The command",
    text = [[
`luron SCRIPT [ARGUMENTS]` runs a Lua script with luron's modules on its paths (`-`: from standard input), `luron -e CODE` runs code,
before the script if there is one. `luron plugin new`, `check`, `list` and `info` are in docs/plugins.md; `luron plugin index DIR` is `luron.plugin_index`. `luron --version` and `luron --help` say the rest.
Scripts are loaded as text alone: damaged bytecode can crash an interpreter. Stock `lua5.4` works as well, with `. build/env.sh`
or, once installed, with the prefix on LUA_PATH and LUA_CPATH.

| in the environment | means |
| --- | --- |
| `LURON_PLUGIN_PATH` | folders with plugins, separated by `:`, absolute and not writable by everybody (others are ignored); they come before luron's own |
| `LURON_NUM_THREADS` | threads of parallel loops, 1 to 256 (otherwise as OpenMP has it) |
| `LURON_ISA` | instruction set of the kernels: `avx2` or `plain`; what this machine does not have is an error |
| `LURON_DATA` | folder with data sets: `fashion-mnist/` below it, and what else the scripts in models/ learn (docs/models.md) |]],
  },
  {
    title = "Constants",
    fields = {
      { "luron.version", "string", "The version, `\"0.1.0\"`." },
      { "luron.abi_major", "integer", "Major version of the plugin ABI." },
      { "luron.status", "table<string, integer>", "Status codes by name; the names are the codes that come with nil and a message." },
      { "luron.nn", "nn", "Layers, functions, models and classes: `require \"luron.nn\"`." },
      { "luron.optim", "optim", "Optimisers: `require \"luron.optim\"`." },
      { "luron.data", "data", "Datasets and files: `require \"luron.data\"`." },
      { "luron.schedule", "schedule", "Learning-rate schedules: `require \"luron.schedule\"`." },
      { "luron.metrics", "metrics", "Metrics: `require \"luron.metrics\"`." },
      { "luron.linalg", "linalg", "Linear algebra." }, { "luron.sparse", "sparse", "Sparse matrices: `require \"luron.sparse\"`." },
      { "luron.preprocess", "preprocess", "Words and numbers as ids: `require \"luron.preprocess\"`." },
      { "luron.regularizer", "regularizer", "Rules for `luron.penalty`." },
      { "luron.constraint", "constraint", "Rules for `luron.constrain`." },
      { "nn.Module", "Module", "The class that all classes inherit from." },
    },
  },
}
