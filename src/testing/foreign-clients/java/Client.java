import java.util.List;
import java.util.Map;
import java.util.Scanner;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import kotlin.Unit;
import okhttp3.OkHttpClient;
import org.phoenixframework.Channel;
import org.phoenixframework.Defaults;
import org.phoenixframework.Presence;
import org.phoenixframework.Push;
import org.phoenixframework.Socket;

/** The play of play.ts with JavaPhoenixClient. */
public final class Client {
  private static final long TIMEOUT_MS = 60_000;
  private static final Scanner answers = new Scanner(System.in);
  private static String address;
  private static String peer;
  private static String topic;

  private static void step(String done) {
    System.out.println("STEP " + done);
  }

  private static String control(String what) {
    System.out.println("CTL " + what);
    return answers.nextLine();
  }

  private static Socket socketOf(String kind) {
    Map<String, String> params = Map.of("token", control("token " + kind));
    Defaults defaults = Defaults.INSTANCE;
    Socket socket =
        new Socket(
            address + "/websocket",
            params,
            Defaults.VSN,
            defaults.getEncode(),
            defaults.getDecode(),
            new OkHttpClient.Builder().build());
    socket.setReconnectAfterMs(tries -> 50L);
    socket.setRejoinAfterMs(tries -> 50L);
    return socket;
  }

  /** The status of the reply, and the reason of an error. */
  private static String answered(Push push) throws InterruptedException {
    BlockingQueue<String> reply = new LinkedBlockingQueue<>();
    for (String status : List.of("ok", "error", "timeout")) {
      push.receive(
          status,
          message -> {
            Object reason = message.getPayload().get("reason");
            reply.add(reason == null ? status : status + " " + reason);
            return Unit.INSTANCE;
          });
    }
    return reply.take();
  }

  private static void expect(String expected, String said) {
    if (!expected.equals(said)) throw new IllegalStateException(said);
  }

  /** The contents of all messages that the channel hears from now on. */
  private static BlockingQueue<String> listen(Channel channel) {
    BlockingQueue<String> heard = new LinkedBlockingQueue<>();
    channel.on(
        "new_message",
        pushed -> {
          Map<?, ?> message = (Map<?, ?>) pushed.getPayload().get("message");
          heard.add((String) message.get("content"));
          return Unit.INSTANCE;
        });
    return heard;
  }

  private static void hears(BlockingQueue<String> heard, String content)
      throws InterruptedException {
    control("send " + content);
    for (String said = heard.take(); !said.equals(content); said = heard.take()) {
      if (said.equals("unheard")) throw new IllegalStateException("heard after it left");
    }
    step("receive " + content);
  }

  /** Opens once the peer is in the library's own presence. */
  private static CountDownLatch seen(Channel channel) {
    CountDownLatch online = new CountDownLatch(1);
    Presence presence = new Presence(channel, Presence.Options.Companion.getDefaults());
    presence.onSync(
        () -> {
          if (presence.getState().containsKey(peer)) online.countDown();
          return Unit.INSTANCE;
        });
    return online;
  }

  private static Push push(Channel channel, String event, Map<String, Object> payload) {
    return channel.push(event, payload, TIMEOUT_MS);
  }

  public static void main(String[] arguments) throws InterruptedException {
    address = arguments[0];
    peer = arguments[2];
    topic = arguments[3];
    playConversation();
    playExpiry();
    playRefusal();
    System.exit(0);
  }

  private static void playConversation() throws InterruptedException {
    Socket socket = socketOf("good");
    socket.connect();
    Channel first = socket.channel(topic, Map.of());
    BlockingQueue<String> heard = listen(first);
    CountDownLatch online = seen(first);
    expect("ok", answered(first.join(TIMEOUT_MS)));
    step("join");
    Map<String, Object> message = Map.of("content", "from the client", "client_random", 7);
    expect("ok", answered(push(first, "new_message", message)));
    step("send");
    hears(heard, "hello");
    expect("ok", answered(push(first, "message_read", Map.of("seq", 2))));
    step("read");
    control("peer");
    online.await();
    step("presence");
    Map<String, Object> large = Map.of("content", "x".repeat(600_000));
    expect("error payload_too_large", answered(push(first, "new_message", large)));
    step("large");
    expect("ok", answered(first.leave(TIMEOUT_MS)));
    control("send unheard");
    step("leave");
    playSecond(socket);
    socket.disconnect(1000, "", () -> Unit.INSTANCE);
  }

  private static void playSecond(Socket socket) throws InterruptedException {
    Channel second = socket.channel(topic, Map.of());
    BlockingQueue<String> heard = listen(second);
    Semaphore joins = new Semaphore(0);
    second
        .join(TIMEOUT_MS)
        .receive(
            "ok",
            reply -> {
              joins.release();
              return Unit.INSTANCE;
            });
    joins.acquire();
    step("rejoin");
    hears(heard, "again");
    control("kill");
    joins.acquire();
    step("return");
    hears(heard, "back");
  }

  private static void playExpiry() throws InterruptedException {
    Socket socket = socketOf("short");
    CountDownLatch closed = new CountDownLatch(1);
    socket.onClose(
        () -> {
          closed.countDown();
          return Unit.INSTANCE;
        });
    socket.connect();
    expect("ok", answered(socket.channel(topic, Map.of()).join(TIMEOUT_MS)));
    closed.await();
    step("expired");
    socket.disconnect(1000, "", () -> Unit.INSTANCE);
  }

  private static void playRefusal() throws InterruptedException {
    Socket socket = socketOf("bad");
    CountDownLatch errors = new CountDownLatch(2);
    socket.onOpen(
        () -> {
          throw new IllegalStateException("a bad token was let in");
        });
    socket.onError(
        (error, response) -> {
          errors.countDown();
          return Unit.INSTANCE;
        });
    socket.connect();
    errors.await();
    step("refused");
  }
}
