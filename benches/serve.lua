-- Asks for one phrase after the other, each connection thread from another place of the list; see serve.rs.
local phrases, at = {}, 0

function setup(thread)
   started = (started or -1) + 1
   thread:set("nth", started)
end

function init(args)
   for line in io.lines(args[1]) do
      phrases[#phrases + 1] = "/search?q=" .. line
   end
   -- The nth part of the list is this thread's; `args[2]` shifts it from run to run.
   at = (tonumber(args[2]) + nth * tonumber(args[3])) % #phrases
end

function request()
   at = at % #phrases + 1
   return wrk.format("GET", phrases[at])
end

function done(summary, latency)
   local refused = summary.errors.status
   local failed = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
   io.write(string.format("figures %d %d %d %d %d %d %d\n", summary.requests, summary.duration, refused, failed,
      latency:percentile(50), latency:percentile(99), latency.max))
end
