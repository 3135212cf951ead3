"""Requests that two HTTP parsers could understand in two ways, and some that none should."""

# What an attacker would have a backend take for a request of its own.
HIDDEN = "GET /graphql?hidden={mark} HTTP/1.1\r\nHost: {host}\r\nX-Correlation-ID: {mark}\r\n\r\n"
CHUNKS = "0\r\n\r\n"

# Headers after the request line, by what is wrong with them. {length} is the length of the body,
# which ends at once for who takes it as chunks: what follows is then a request of its own.
TWO_FRAMINGS = {
    "content-length and chunked": ["Content-Length: {length}", "Transfer-Encoding: chunked"],
    "chunked and content-length": ["Transfer-Encoding: chunked", "Content-Length: 4"],
    "tab before chunked": ["Transfer-Encoding:\tchunked", "Content-Length: {length}"],
    "folded": ["Transfer-Encoding:", " chunked", "Content-Length: {length}"],
}
SMUGGLED = {
    "two lengths": ["Content-Length: 0", "Content-Length: {length}"],
    "a list of lengths": ["Content-Length: 0, {length}"],
    "a signed length": ["Content-Length: +{length}"],
    "a length in hex": ["Content-Length: 0x10"],
    "xchunked": ["Transfer-Encoding: xchunked"],
    "chunked, identity": ["Transfer-Encoding: chunked, identity"],
    "chunked twice": ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
    "chunked and x": ["Transfer-Encoding: chunked", "Transfer-Encoding: x"],
    "space before colon": ["Transfer-Encoding : chunked"],
    "vertical tab": ["Transfer-Encoding: \x0bchunked", "Content-Length: {length}"],
    "folded length": ["Content-Length: 0", " {length}"],
    "space before name": [" Transfer-Encoding: chunked"],
    "null in name": ["Transfer-Encod\x00ing: chunked", "Content-Length: {length}"],
    "carriage return in value": ["X: a\rTransfer-Encoding: chunked", "Content-Length: {length}"],
}

MALFORMED = [
    "GET /graphql HTTP/1.1\nHost: {host}\nContent-Length: 0\nContent-Length: 5\n\n",
    "GET /graphql HTTP/1.1\r\n\r\n",
    "GET /graphql HTTP/1.1\r\nHost: {host}\r\nHost: other.example\r\n\r\n",
    "GET /graphql HTTP/1.1\r\nHost: {host}/x\r\n\r\n",
    "GET /graphql HTTP/1.1\r\nHost: {host}\r\nBad Header: x\r\n\r\n",
    "GET  /graphql  HTTP/1.1 x\r\nHost: {host}\r\n\r\n",
    "GET /graphql HTTP/9.9\r\nHost: {host}\r\n\r\n",
    "GET graphql HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "\x16\x03\x01\r\n\r\n",
]
