import de.bwaldvogel.mongo.MongoBackend;
import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import java.util.List;

/** TestServer PORT [FILE]: listens on 127.0.0.1; with a file it keeps its data over a stop by SIGTERM. */
public final class TestServer {
  /** As it comes it says wire version 8, which the driver refuses. */
  private record Version(int getWireVersion, List<Integer> getVersionArray) implements MongoVersion {}

  public static void main(String[] arguments) {
    MongoBackend backend = arguments.length > 1 ? new H2Backend(arguments[1]) : new MemoryBackend();
    backend.version(new Version(21, List.of(7, 0, 0)));
    MongoServer server = new MongoServer(backend);
    server.bind("127.0.0.1", Integer.parseInt(arguments[0]));
    Runtime.getRuntime().addShutdownHook(new Thread(server::shutdown));
    System.out.println("ready");
  }
}
