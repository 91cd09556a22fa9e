-- wrk: asks the questions of a file in turn, each with its token; prints one line of JSON at the end.
-- The file has a line per question: method, path, token or "-", body or "-", and perhaps the encoding that is accepted,
-- separated by tabs; "#########" in a body becomes a number that never comes twice.
local questions, position, serial = {}, 0, 0
function init(arguments)
  -- Nine digits, as many as the placeholder has: the body's length is settled before.
  serial = tonumber(arguments[2]) * 1000000
  local index = 0
  for line in io.lines(arguments[1]) do
    local method, path, token, body, encoding = line:match("([^\t]+)\t([^\t]+)\t([^\t]+)\t([^\t]+)\t?(.*)")
    local headers = {}
    if token ~= "-" then headers["Authorization"] = "Bearer " .. token end
    if body ~= "-" then headers["Content-Type"] = "application/json" end
    if encoding ~= "" then headers["Accept-Encoding"] = encoding end
    local request = wrk.format(method, path, headers, body ~= "-" and body or nil)
    local from, to = request:find("#########", 1, true)
    index = index + 1
    questions[index] = from and { request:sub(1, from - 1), request:sub(to + 1) } or request
  end
end

function request()
  position = position % #questions + 1
  local question = questions[position]
  if type(question) == "string" then return question end
  serial = serial + 1
  return question[1] .. string.format("%09d", serial) .. question[2]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,'
      .. '"failures":{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
