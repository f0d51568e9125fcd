--- The table of the benchmark: its head, a row for each of our variants and figures, and the lines below it.
local show = {}

local scales = { us = 1e6, ms = 1e3, MiB = 1 / (1 << 20), ["MB/s"] = 1e-6 }
local widths = { 43, 12, 7, 21, 9, 9, 5, 9, 5, 40 }
local below, n_failed = {}, 0

local function row(...)
  local cells = { ... }
  for i, text in ipairs(cells) do cells[i] = text .. (" "):rep(widths[i] - (utf8.len(text) or #text)) end
  print("| " .. table.concat(cells, " | ") .. " |")
  io.flush()
end

local function median(list)
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted)
  return sorted[(#sorted + 1) // 2]
end

local function first_line(command)
  local pipe <close> = io.popen(command .. " 2>/dev/null")
  return pipe:read "l" or "?"
end

--- Machine and versions.
function show.head(core, given, python, data)
  local head = {
    date = os.date "!%Y-%m-%d %H:%M UTC", cpu = first_line "sed -n 's/^model name[^:]*: //p' /proc/cpuinfo", cores = first_line "nproc",
    system = first_line "uname -sr", load = first_line "cut -d' ' -f1-3 /proc/loadavg", compiler = first_line "cc --version",
    luron = require("luron").version, isa = core.isa and core.isa() or nil, data = data or "none",
    effort = given.effort, rounds = given.rounds, compile = given.compile or false,
  }
  head.peer = "none"
  if python ~= "" then
    head.peer = first_line("'" .. python .. [[' -c 'import sys, torch; print("PyTorch", torch.__version__, "Python", sys.version.split()[0])']])
  end
  return head
end

function show.begin(head, has_table)
  print(string.format("%s: %s, %s cores, load %s, %s", head.date, head.cpu, head.cores, head.load, head.system))
  print(string.format("Luron %s, %s; peer: %s%s; pictures: %s", head.luron, head.compiler, head.peer,
    head.compile and "" or ", torch.compile left out (--compile)", head.data))
  print(string.format("medians of %d rounds in turn; on one thread times on the processor, else on the wall; ratio over 1: Luron is ahead\n", head.rounds))
  if not has_table then return end
  row("workload", "ours", "threads", "best peer", "peer", "ours", "ratio", "floor", "share", "reached by ours; by the peer")
  local dashes = {}
  for i, width in ipairs(widths) do dashes[i] = ("-"):rep(width) end
  row(table.unpack(dashes))
end

-- Seconds (or bytes a second) below (above) which no program comes; nil: unknown.
local function floor_of(spec, figure, floor)
  local from = figure.floor or spec.floor
  if from then return floor[from] end
  if figure.floorless or not floor.peak or not (spec.flops or spec.l2 or spec.ram) then return nil end
  return (spec.flops or 0) / floor.peak + (spec.l2 or 0) / floor.l2 + (spec.ram or 0) / floor.ram
end

local function number(value, unit)
  if not value then return "-" end
  value = value * scales[unit]
  return string.format(value >= 1000 and "%.0f %s" or value >= 10 and "%.1f %s" or "%.2f %s", value, unit)
end

-- What a variant reached, for the proof that the work was the same.
local function reached(entry)
  local r = entry and entry.reached
  if not r then return "-" end
  local parts = {}
  if r.loss then parts[#parts + 1] = string.format("loss %.4f", r.loss) end
  if r.accuracy then parts[#parts + 1] = string.format("%.1f %%", 100 * r.accuracy) end
  if r.sum then parts[#parts + 1] = string.format("sum %.5f", r.sum) end
  if r.equal then parts[#parts + 1] = r.equal .. " tensors equal" end
  if r.printed then parts[#parts + 1] = r.printed end
  return table.concat(parts, ", ")
end

-- Variants by name, so that tables come out the same.
local function by_name(entries)
  local list = {}
  for _, entry in pairs(entries) do list[#list + 1] = entry end
  table.sort(list, function(a, b) return a.variant < b.variant end)
  return list
end

local function best_of(entries, figure)
  local best, value
  for _, entry in ipairs(by_name(entries)) do
    local list = entry.figures[figure.name]
    local m = list and median(list)
    if m and (not value or (figure.higher and m > value) or (not figure.higher and m < value)) then best, value = entry, m end
  end
  return best, value
end

-- Least squares in logarithms: how many times as long for twice as much, as a power.
local function slope(points)
  local n, sx, sy, sxx, sxy = #points, 0, 0, 0, 0
  for _, p in ipairs(points) do
    local x, y = math.log(p[1]), math.log(p[2])
    sx, sy, sxx, sxy = sx + x, sy + y, sxx + x * x, sxy + x * y
  end
  return (n * sxy - sx * sy) / (n * sxx - sx * sx)
end

local function scaling(measured)
  below[#below + 1] = "\nTime of a planned step (ms) against one size of a net, and the slope: time grows as size to that power."
  for _, entry in ipairs(by_name(measured.ours)) do
    local points, texts = {}, {}
    for size, times in pairs(entry.figures) do points[#points + 1] = { tonumber(size), median(times) } end
    table.sort(points, function(a, b) return a[1] < b[1] end)
    for i, p in ipairs(points) do texts[i] = string.format("%d: %.3f", p[1], 1e3 * p[2]) end
    below[#below + 1] = string.format("  %-30s %-62s slope %5.2f", entry.variant, table.concat(texts, "   "), slope(points))
  end
end

-- Eager and planned steps do the same arithmetic; a peer's differs by rounding alone.
local function check(measured)
  local ours = by_name(measured.ours)
  for _, entry in ipairs(ours) do
    local a, b = entry.reached or {}, ours[1].reached or {}
    if a.loss ~= b.loss then
      n_failed = n_failed + 1
      below[#below + 1] = string.format("  %s: %s and %s do not reach the same loss", measured.spec.name, ours[1].variant, entry.variant)
    end
  end
  for _, note in ipairs(measured.notes) do
    below[#below + 1] = "  " .. note
    if not note:find "is not in this version" and not note:find "no images" then n_failed = n_failed + 1 end
  end
end

-- A row a case: times and ratios of forward alone (a step, for an optimiser), and with backward; then the geometric means.
local function cases(measured)
  local logs, counts, behind = { forward = 0, both = 0 }, { forward = 0, both = 0 }, { forward = 0, both = 0 }
  print(string.format("\n%d thread%s; fwd: forward alone, or the optimiser's step; f+b: forward and backward; times in us\n", measured.threads,
    measured.threads == 1 and "" or "s"))
  local line = "| %-64s | %-34s | %9s | %9s | %5s | %9s | %9s | %5s |"
  print(line:format("layer", "inputs", "fwd: peer", "ours", "ratio", "f+b: peer", "ours", "ratio"))
  print((line:format("", "", "", "", "", "", "", ""):gsub(" ", "-"):gsub("|%-", "| "):gsub("%-|", " |")))
  for _, case in ipairs(measured.cases) do
    local cells = {}
    for _, name in ipairs { "forward", "both" } do
      local f = case.figures[name] or { ours = {}, peer = {}, ratio = {} }
      local function cell(list, scale, form) return #list > 0 and form:format(scale * median(list)) or "-" end
      table.move({ cell(f.peer, 1e6, "%.1f"), cell(f.ours, 1e6, "%.1f"), cell(f.ratio, 1, "%.2f") }, 1, 3, #cells + 1, cells)
      if #f.ratio > 0 then
        local ratio = median(f.ratio)
        logs[name], counts[name] = logs[name] + math.log(ratio), counts[name] + 1
        if ratio < 0.9 then behind[name] = behind[name] + 1 end
      end
    end
    print(line:format(case.spec.name, case.spec.inputs, table.unpack(cells)))
  end
  for i, name in ipairs { "forward", "both" } do
    if counts[name] > 0 then
      print(string.format("%s: geometric mean of the ratios %.2f, %d of %d below 0.90", i == 1 and "\nforward" or "forward and backward",
        math.exp(logs[name] / counts[name]), behind[name], counts[name]))
    end
  end
end

function show.workload(measured, floor)
  local spec = measured.spec
  check(measured)
  if spec.is_scaling then return scaling(measured) end
  if spec.cases then return cases(measured) end
  for _, figure in ipairs(spec.figures) do
    local peer, theirs = best_of(measured.peers, figure)
    local least = floor_of(spec, figure, floor)
    for _, entry in ipairs(by_name(measured.ours)) do
      local list = entry.figures[figure.name]
      if list then
        local mine = median(list)
        local function times(a, b) return a and b and string.format("%.2f", figure.higher and b / a or a / b) or "-" end
        local share = least and string.format("%.0f %%", 100 * (figure.higher and mine / least or least / mine)) or "-"
        row(spec.title .. (#spec.figures > 1 and ", " .. figure.name or ""), entry.variant, tostring(measured.threads),
          peer and peer.variant or "-", number(theirs, figure.unit), number(mine, figure.unit), times(theirs, mine),
          number(least, figure.unit), share, reached(entry) .. "; " .. reached(peer))
      end
    end
  end
end

-- Logarithms of speeds summed by name over all shapes but dice's, and how far ours is from the best library at each shape.
local function gemm_means(lines)
  local sums, counts, by_shape = {}, {}, {}
  for _, line in ipairs(lines) do
    if not line.shape:find "^dice" then
      local name = line.name
      sums[name], counts[name] = (sums[name] or 0) + math.log(line.gflops), (counts[name] or 0) + 1
      by_shape[line.shape] = by_shape[line.shape] or {}
      by_shape[line.shape][name] = line.gflops
    end
  end
  local means, best = {}, nil
  for name, sum in pairs(sums) do means[name] = math.exp(sum / counts[name]) end
  for name, mean in pairs(means) do
    if not name:find "^luron" and (not best or mean > means[best]) then best = name end
  end
  return means, best, by_shape, counts
end

--- Geometric means over all shapes, and where the best library is furthest ahead.
function show.gemm(gemm, floor)
  local means, best, by_shape, counts = gemm_means(gemm.lines)
  local theirs = best and means[best]
  local function speed(value) return value and string.format("%.1f", value) or "-" end
  for _, ours in ipairs { { "luron", "in place" }, { "luron packed", "packed" } } do
    local mine = means[ours[1]]
    if mine then
      row("GEMM, GFLOP/s, geometric mean", ours[2], tostring(gemm.threads), best or "-", speed(theirs), speed(mine),
        theirs and string.format("%.2f", mine / theirs) or "-", speed(1e-9 * floor.peak), string.format("%.0f %%", 1e11 * mine / floor.peak),
        counts[ours[1]] .. " shapes")
    end
  end
  local behind = {}
  for shape, speeds in pairs(by_shape) do
    if best and speeds[best] and speeds.luron then behind[#behind + 1] = { shape, speeds.luron / speeds[best] } end
  end
  table.sort(behind, function(a, b) return a[2] < b[2] end)
  if #behind > 0 then below[#below + 1] = string.format("\nGEMM, threads: %d; in place against %s, the worst shapes:", gemm.threads, best) end
  for i = 1, math.min(5, #behind) do below[#below + 1] = string.format("  %-28s %.2f", behind[i][1], behind[i][2]) end
end

function show.finish()
  if #below > 0 then print("\nNotes") end
  for _, line in ipairs(below) do print(line) end
end

--- Programs that ended early, and variants of ours that do not agree.
function show.n_failed() return n_failed end

return show
