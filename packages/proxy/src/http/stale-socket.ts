/** Socket files that are in the way of a server which wants to listen at them. */
import { lstatSync, unlinkSync } from "node:fs";
import { connect } from "node:net";

/** A socket file that a process left behind which was killed is in the way; one that is listened at stays. */
export async function removeStaleSocket(path: string): Promise<void> {
  const socket = connect(path);
  const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    socket.on("connect", () => resolve(undefined));
    socket.on("error", resolve);
  });
  socket.destroy();
  // Nobody can connect to another kind of file either, and that is somebody's.
  if (error?.code === "ECONNREFUSED" && lstatSync(path).isSocket()) unlinkSync(path);
}
