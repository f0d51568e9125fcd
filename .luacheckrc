std = "lua54"
max_line_length = 170
files["tests/lua"] = { std = "lua54+busted" }
files["docs/reference"] = { max_line_length = false } -- a line an entry
exclude_files = { "lua/library" } -- written by docs/make_reference.lua
