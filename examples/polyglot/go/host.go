// The Go third of the example: hosts an actor beside the proxy, or calls one.
//
//	host serve NAME          host call NAME VALUE
//
// The standard library and google.golang.org/protobuf, nothing else. The messages come from a
// FileDescriptorSet, so there is no generated code.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

const (
	system   = "spawn-system"
	jsonType = "type.googleapis.com/spawn.JSONType"
)

var (
	proxy = environment("SPAWN_PROXY", "http://127.0.0.1:9001")
	files = readFiles(environment("SPAWN_PROTO", "spawn.binpb"))
)

// The actor: from a state and a payload to a new state and a reply.

type total struct {
	Total int `json:"total"`
}

type amount struct {
	Value int `json:"value"`
}

func add(state total, payload amount) (total, total) {
	state.Total += payload.Value
	return state, state
}

// An actor is called with its state, and answers it with the reply.
func run(body []byte) ([]byte, error) {
	invocation := message{newMessage("spawn.ActorInvocation")}
	if err := proto.Unmarshal(body, invocation); err != nil {
		return nil, err
	}
	if action := invocation.text("action_name"); action != "add" {
		return nil, fmt.Errorf("there is no action %q", action)
	}
	var before total
	var payload amount
	context := invocation.at("current_context")
	if err := context.json("state", &before); err != nil {
		return nil, err
	}
	if err := invocation.json("value", &payload); err != nil {
		return nil, err
	}
	after, reply := add(before, payload)

	response := message{newMessage("spawn.ActorInvocationResponse")}
	response.set("actor_name", invocation.at("actor").text("name"))
	response.set("actor_system", invocation.at("actor").text("system"))
	proto.Merge(response.at("updated_context"), context)
	response.at("updated_context").setJSON("state", after)
	response.setJSON("value", reply)
	return proto.Marshal(response)
}

func serve(name string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	request := message{newMessage("spawn.RegistrationRequest")}
	request.at("service_info").set("service_name", "polyglot-go")
	request.at("actor_system").set("name", system)
	actor := request.at("actor_system").at("registry").entry("actors", name)
	actor.at("id").set("name", name)
	actor.at("id").set("system", system)
	actor.at("state").setJSON("state", total{})
	settings := actor.at("settings")
	settings.set("kind", protoreflect.EnumNumber(1)) // NAMED
	settings.set("stateful", true)
	settings.at("deactivation_strategy").at("timeout").set("timeout", int64(30_000))
	settings.at("snapshot_strategy").at("timeout").set("timeout", int64(10_000))
	actor.add("actions").set("name", "add")

	port := strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	answer := message{newMessage("spawn.RegistrationResponse")}
	post("/api/v1/system", request, answer, port)
	expectOK(answer)
	fmt.Println("Go hosts", name)
	check(http.Serve(listener, http.HandlerFunc(answerProxy)))
}

func answerProxy(writer http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err == nil {
		body, err = run(body)
	}
	if err != nil {
		http.Error(writer, err.Error(), http.StatusInternalServerError)
		return
	}
	writer.Header().Set("content-type", "application/octet-stream")
	writer.Header().Set("content-length", strconv.Itoa(len(body)))
	writer.Write(body)
}

func call(name string, value int) {
	request := message{newMessage("spawn.InvocationRequest")}
	request.set("action_name", "add")
	request.at("system").set("name", system)
	request.at("actor").at("id").set("name", name)
	request.at("actor").at("id").set("system", system)
	request.setJSON("value", amount{value})
	answer := message{newMessage("spawn.InvocationResponse")}
	post("/api/v1/system/"+system+"/actors/"+name+"/invoke", request, answer, "")
	expectOK(answer)
	var reply json.RawMessage
	check(answer.json("value", &reply))
	fmt.Println(string(reply))
}

// post takes the answer whatever its status is: it says itself what went wrong.
func post(path string, message, answer proto.Message, hostPort string) {
	body, err := proto.Marshal(message)
	check(err)
	request, err := http.NewRequest("POST", proxy+path, bytes.NewReader(body))
	check(err)
	request.Header.Set("content-type", "application/octet-stream")
	if hostPort != "" {
		request.Header.Set("spawn-host-port", hostPort)
	}
	response, err := http.DefaultClient.Do(request)
	check(err)
	defer response.Body.Close()
	body, err = io.ReadAll(response.Body)
	check(err)
	check(proto.Unmarshal(body, answer))
}

func expectOK(answer message) {
	status := answer.at("status")
	if status.Get(status.field("status")).Enum() != 1 {
		log.Fatal(status.text("message"))
	}
}

// Messages by the names of their fields.

type message struct{ protoreflect.Message }

func (m message) ProtoReflect() protoreflect.Message { return m.Message }

func (m message) field(name protoreflect.Name) protoreflect.FieldDescriptor {
	return m.Descriptor().Fields().ByName(name)
}

func (m message) set(name protoreflect.Name, value any) {
	m.Set(m.field(name), protoreflect.ValueOf(value))
}

func (m message) text(name protoreflect.Name) string { return m.Get(m.field(name)).String() }

func (m message) at(name protoreflect.Name) message {
	return message{m.Mutable(m.field(name)).Message()}
}

func (m message) add(name protoreflect.Name) message {
	return message{m.Mutable(m.field(name)).List().AppendMutable().Message()}
}

func (m message) entry(name protoreflect.Name, key string) message {
	entries := m.Mutable(m.field(name)).Map()
	return message{entries.Mutable(protoreflect.ValueOfString(key).MapKey()).Message()}
}

// JSON travels as text in a JSONType, and that in an Any.

func (m message) json(name protoreflect.Name, into any) error {
	if !m.Has(m.field(name)) {
		return nil
	}
	content := message{newMessage("spawn.JSONType")}
	any := m.at(name)
	if err := proto.Unmarshal(any.Get(any.field("value")).Bytes(), content); err != nil {
		return err
	}
	return json.Unmarshal([]byte(content.text("content")), into)
}

func (m message) setJSON(name protoreflect.Name, value any) {
	text, err := json.Marshal(value)
	check(err)
	content := message{newMessage("spawn.JSONType")}
	content.set("content", string(text))
	encoded, err := proto.Marshal(content)
	check(err)
	m.at(name).set("type_url", jsonType)
	m.at(name).set("value", encoded)
}

func newMessage(name protoreflect.FullName) protoreflect.Message {
	descriptor, err := files.FindDescriptorByName(name)
	check(err)
	return dynamicpb.NewMessage(descriptor.(protoreflect.MessageDescriptor))
}

func readFiles(path string) *protoregistry.Files {
	encoded, err := os.ReadFile(path)
	check(err)
	var set descriptorpb.FileDescriptorSet
	check(proto.Unmarshal(encoded, &set))
	read, err := protodesc.NewFiles(&set)
	check(err)
	return read
}

func environment(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "serve" {
		serve(os.Args[2])
	}
	if len(os.Args) != 4 || os.Args[1] != "call" {
		log.Fatal("usage: host serve NAME | host call NAME VALUE")
	}
	value, err := strconv.Atoi(os.Args[3])
	check(err)
	call(os.Args[2], value)
}
