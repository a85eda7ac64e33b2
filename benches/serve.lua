-- Requests one phrase after the other. Each thread starts at a different position of the list. See serve.rs.
local phrases, at = {}, 0

function setup(thread)
   started = (started or -1) + 1
   thread:set("nth", started)
end

function init(args)
   for line in io.lines(args[1]) do
      phrases[#phrases + 1] = "/search?q=" .. line
   end
   -- `args[2]` is the start of this run and `args[3]` the distance between threads.
   at = (tonumber(args[2]) + nth * tonumber(args[3])) % #phrases
end

function request()
   at = at % #phrases + 1
   return wrk.format("GET", phrases[at])
end

function done(summary, latency)
   local refused = summary.errors.status
   local failed = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
   io.write(string.format("result %d %d %d %d %d %d %d\n", summary.requests, summary.duration, refused, failed,
      latency:percentile(50), latency:percentile(99), latency.max))
end
