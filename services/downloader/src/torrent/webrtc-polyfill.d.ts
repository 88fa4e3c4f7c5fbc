/** The surface of webrtc-polyfill 1.2.2 that we rely on, and no more. */
declare module 'webrtc-polyfill' {
  export class RTCPeerConnection {
    constructor(configuration: { iceServers: [] });
    onicecandidate: (event: { candidate: object | null }) => void;
    readonly localDescription: { sdp: string } | null;
    createDataChannel(label: string): unknown;
    createOffer(): Promise<{ type: string; sdp: string }>;
    close(): void;
    setRemoteDescription(description: { type: string; sdp?: string }): Promise<void>;
    addIceCandidate(candidate: { candidate?: string } | null): Promise<void>;
  }
}
