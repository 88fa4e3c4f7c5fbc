import { RTCPeerConnection } from 'webrtc-polyfill';
import type { AddressFilter } from './address-filter.ts';
import { filterRemoteDescription, isAllowedCandidate } from './remote-description.ts';

/**
 * What `guardEgress` is for Node's sockets, for those of WebRTC, which are native: whom ICE sends packets to is decided by
 * the descriptions and candidates that a stranger sends through a tracker. For the whole process.
 */
export function guardWebRtc(isAllowed: AddressFilter): void {
  const { setRemoteDescription, addIceCandidate } = RTCPeerConnection.prototype;
  RTCPeerConnection.prototype.setRemoteDescription = function (description) {
    const sdp = typeof description.sdp === 'string' ? filterRemoteDescription(description.sdp, isAllowed) : undefined;
    return setRemoteDescription.call(this, { type: description.type, ...(sdp === undefined ? {} : { sdp }) });
  };
  RTCPeerConnection.prototype.addIceCandidate = async function (candidate) {
    if (isAllowedCandidate(String(candidate?.candidate), isAllowed)) await addIceCandidate.call(this, candidate);
  };
}
