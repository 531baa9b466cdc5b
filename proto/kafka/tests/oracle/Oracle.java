import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.message.ApiVersionsRequestData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.MessageUtil;
import org.apache.kafka.common.protocol.Readable;
import org.apache.kafka.common.requests.ApiVersionsRequest;
import org.apache.kafka.common.requests.RequestHeader;

/**
 * Answers with Kafka's own classes, one line per line on standard input:
 *
 * <pre>
 * recode NAME FROM TO =HEX      reads a message in version FROM, writes it in version TO: =HEX
 * recode NAME FROM TO default   writes what a new message holds: =HEX
 * header =HEX                   reads the header of a request: KEY VERSION CORRELATION CLIENT =REST
 * header-versions               KEY:VERSION:REQUEST:RESPONSE, header versions of all APIs
 * apis                          KEY:NAME:OLDEST:LATEST, all APIs, stable versions
 * errors                        CODE:NAME:RETRIABLE, all error codes
 * unsupported-api-versions      the body for a version of ApiVersions that is too new: =HEX
 * </pre>
 *
 * Whatever Kafka refuses is answered with `error` and its reason.
 */
public class Oracle {
    private static final String[] PACKAGES = {
        "org.apache.kafka.common.message.%sData",
        "org.apache.kafka.common.message.%s",
        "org.apache.kafka.coordinator.group.generated.%s",
    };

    public static void main(String[] args) throws Exception {
        BufferedReader in =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        String line;
        while ((line = in.readLine()) != null) {
            String answer;
            try {
                answer = answer(line.split(" "));
            } catch (Throwable refused) {
                Throwable cause = refused.getCause() == null ? refused : refused.getCause();
                answer = "error " + String.valueOf(cause).replace('\n', ' ');
            }
            out.print(answer + "\n");
        }
        out.flush();
    }

    private static String answer(String[] words) throws Exception {
        switch (words[0]) {
            case "recode":
                short from = Short.parseShort(words[2]);
                short to = Short.parseShort(words[3]);
                return recode(find(words[1]), from, to, words[4]);
            case "header":
                ByteBuffer frame = bytes(words[1]);
                RequestHeader header = RequestHeader.parse(frame);
                return String.join(" ", "" + header.apiKey().id, "" + header.apiVersion(),
                    "" + header.correlationId(), header.clientId(), hex(frame));
            case "header-versions":
                List<String> versions = new ArrayList<>();
                for (ApiKeys key : ApiKeys.values()) {
                    short latest = key.latestVersion();
                    for (short version = key.oldestVersion(); version <= latest; version++) {
                        versions.add(String.format("%d:%d:%d:%d", key.id, version,
                            key.requestHeaderVersion(version), key.responseHeaderVersion(version)));
                    }
                }
                return String.join(" ", versions);
            case "apis":
                List<String> apis = new ArrayList<>();
                for (ApiKeys key : ApiKeys.values()) {
                    apis.add(String.format("%d:%s:%d:%d", key.id, key.name, key.oldestVersion(),
                        key.latestVersion(false)));
                }
                return String.join(" ", apis);
            case "errors":
                List<String> errors = new ArrayList<>();
                for (Errors error : Errors.values()) {
                    boolean retriable = error.exception() instanceof RetriableException;
                    errors.add(error.code() + ":" + error.name() + ":" + retriable);
                }
                return String.join(" ", errors);
            case "unsupported-api-versions":
                short tooNew = 99;
                ApiVersionsRequest request =
                    new ApiVersionsRequest(new ApiVersionsRequestData(), (short) 0, tooNew);
                Message response =
                    request.getErrorResponse(0, Errors.UNSUPPORTED_VERSION.exception()).data();
                return hex(write(response, (short) 0));
            default:
                throw new IllegalArgumentException("no such question: " + words[0]);
        }
    }

    private static String recode(Class<?> type, short from, short to, String hex) throws Exception {
        Message message;
        if (hex.equals("default")) {
            message = (Message) type.getConstructor().newInstance();
        } else {
            ByteBuffer bytes = bytes(hex);
            message = (Message) type.getConstructor(Readable.class, short.class)
                .newInstance(new ByteBufferAccessor(bytes), from);
            if (bytes.hasRemaining()) {
                throw new IllegalArgumentException(bytes.remaining() + " bytes left");
            }
        }
        return hex(write(message, to));
    }

    private static ByteBuffer write(Message message, short version) {
        return MessageUtil.toByteBufferAccessor(message, version).buffer();
    }

    private static Class<?> find(String name) throws ClassNotFoundException {
        for (String pattern : PACKAGES) {
            try {
                return Class.forName(String.format(pattern, name));
            } catch (ClassNotFoundException elsewhere) {
                continue;
            }
        }
        throw new ClassNotFoundException(name);
    }

    private static ByteBuffer bytes(String word) {
        return ByteBuffer.wrap(HexFormat.of().parseHex(word.substring(1)));
    }

    private static String hex(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        return "=" + HexFormat.of().formatHex(bytes);
    }
}
