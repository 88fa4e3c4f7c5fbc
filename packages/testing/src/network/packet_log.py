"""Notes where every IP packet of this network namespace goes; a line on standard input asks for the list.

It sees all interfaces below every firewall and socket, so nothing that leaves a process escapes it.
"""
import json
import select
import socket
import struct
import sys

ETHERTYPE_ALL, IPV4, IPV6 = 3, 0x0800, 0x86DD
PORT_PROTOCOLS = {6: 'tcp', 17: 'udp'}

packets = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETHERTYPE_ALL))
packets.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024 * 1024)
seen = {}


def note(packet, ethertype):
    if ethertype == IPV4 and len(packet) >= 20:
        header, protocol, address = (packet[0] & 15) * 4, packet[9], socket.inet_ntop(socket.AF_INET, packet[16:20])
    elif ethertype == IPV6 and len(packet) >= 40:
        header, protocol, address = 40, packet[6], socket.inet_ntop(socket.AF_INET6, packet[24:40])
    else:
        return
    port = struct.unpack('!H', packet[header + 2:header + 4])[0] if protocol in PORT_PROTOCOLS and len(packet) >= header + 4 else 0
    key = (address, PORT_PROTOCOLS.get(protocol, str(protocol)), port)
    seen[key] = seen.get(key, 0) + 1


print(json.dumps({'isReady': True}), flush=True)
while True:
    readable, _, _ = select.select([packets, sys.stdin], [], [])
    if packets in readable:
        packet, (_, ethertype, *_) = packets.recvfrom(128)
        note(packet, ethertype)
        continue
    if not sys.stdin.readline():
        break
    print(json.dumps({'packets': [
        {'address': address, 'protocol': protocol, 'port': port, 'count': count}
        for (address, protocol, port), count in seen.items()]}), flush=True)
