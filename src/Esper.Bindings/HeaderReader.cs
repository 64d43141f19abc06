using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Esper.Bindings;

/// <summary>Reads a header through clang's tree, and its comments through its text.</summary>
internal sealed class HeaderReader
{
    private readonly string path;
    private readonly HeaderText text;
    private readonly List<EnumModel> enums = [];
    private readonly List<StructModel> structs = [];
    private readonly List<HandleModel> handles = [];
    private readonly List<CallbackModel> callbacks = [];
    private readonly List<FunctionModel> functions = [];

    /// <summary>The file that the tree's current location lies in; the tree names it only where it changes.</summary>
    private string currentFile = "";

    private HeaderReader(string path, HeaderText text)
    {
        this.path = path;
        this.text = text;
    }

    /// <summary>Reads the header at <paramref name="path"/>; included files contribute nothing.</summary>
    public static HeaderModel Read(string path, string includeDirectory)
    {
        byte[] bytes = File.ReadAllBytes(path);
        HeaderReader reader = new(path, new HeaderText(path, Encoding.UTF8.GetString(bytes)));
        using JsonDocument tree = Clang.Parse(path, includeDirectory);
        foreach (JsonElement declaration in tree.RootElement.GetProperty("inner").EnumerateArray())
        {
            reader.Visit(declaration);
        }

        return new HeaderModel(
            reader.text.FileComment(), Convert.ToHexStringLower(SHA256.HashData(bytes)), reader.text.IntegerMacros(),
            reader.enums, reader.structs, reader.handles, reader.callbacks, reader.functions);
    }

    private void Visit(JsonElement declaration)
    {
        FollowFile(declaration.GetProperty("loc"));
        if (currentFile == path)
        {
            Declare(declaration);
        }

        FollowFile(declaration);
    }

    /// <summary>Keeps <see cref="currentFile"/> in step: every location object, in order, may name a new file.</summary>
    private void FollowFile(JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement item in element.EnumerateArray())
            {
                FollowFile(item);
            }
        }
        else if (element.ValueKind == JsonValueKind.Object)
        {
            // "includedFrom" objects name a file too, but have no offset.
            if (element.TryGetProperty("offset", out _) && element.TryGetProperty("file", out JsonElement file))
            {
                currentFile = file.GetString()!;
            }

            foreach (JsonProperty property in element.EnumerateObject())
            {
                FollowFile(property.Value);
            }
        }
    }

    private void Declare(JsonElement declaration)
    {
        string kind = declaration.GetProperty("kind").GetString()!;
        string name = declaration.TryGetProperty("name", out JsonElement named) ? named.GetString()! : "";
        string comment = text.CommentAbove(BeginOffset(declaration));
        switch (kind)
        {
            case "EnumDecl":
                enums.Add(new EnumModel(name, [.. Children(declaration, "EnumConstantDecl").Select(Enumerator)], comment));
                break;
            case "RecordDecl" when declaration.TryGetProperty("completeDefinition", out _):
                structs.Add(new StructModel(name, [.. Children(declaration, "FieldDecl").Select(Field)], comment));
                break;
            case "RecordDecl":
                handles.Add(new HandleModel(name, comment));
                break;
            case "TypedefDecl" when TypeOf(declaration).Contains("(*)", StringComparison.Ordinal):
                callbacks.Add(new CallbackModel(name, TypeOf(declaration), comment));
                break;
            case "FunctionDecl":
                functions.Add(Function(declaration, name, comment));
                break;
        }
    }

    private ConstantModel Enumerator(JsonElement declaration)
    {
        // The literal sits in the first constant expression below the declaration.
        JsonElement value = Children(declaration, "ConstantExpr").First();
        return new ConstantModel(
            declaration.GetProperty("name").GetString()!,
            long.Parse(value.GetProperty("value").GetString()!),
            text.CommentBehind(EndOffset(declaration)));
    }

    private FieldModel Field(JsonElement declaration) => new(
        declaration.GetProperty("name").GetString()!, TypeOf(declaration), text.CommentBehind(EndOffset(declaration)));

    private static FunctionModel Function(JsonElement declaration, string name, string comment)
    {
        string type = TypeOf(declaration);
        string returns = type[..type.IndexOf('(', StringComparison.Ordinal)].Trim();
        IEnumerable<ParameterModel> parameters = Children(declaration, "ParmVarDecl")
            .Select(parameter => new ParameterModel(parameter.GetProperty("name").GetString()!, TypeOf(parameter)));
        return new FunctionModel(name, returns, [.. parameters], comment);
    }

    private static IEnumerable<JsonElement> Children(JsonElement element, string kind) =>
        element.TryGetProperty("inner", out JsonElement inner)
            ? inner.EnumerateArray().Where(child => child.GetProperty("kind").GetString() == kind)
            : [];

    private static string TypeOf(JsonElement declaration) =>
        declaration.GetProperty("type").GetProperty("qualType").GetString()!;

    private static int BeginOffset(JsonElement declaration) => Offset(declaration, "begin");

    private static int EndOffset(JsonElement declaration) => Offset(declaration, "end");

    /// <summary>Where a declaration begins or ends in the header; macros count at the place that uses them.</summary>
    private static int Offset(JsonElement declaration, string side)
    {
        JsonElement location = declaration.GetProperty("range").GetProperty(side);
        return (location.TryGetProperty("expansionLoc", out JsonElement expansion) ? expansion : location)
            .GetProperty("offset").GetInt32();
    }
}
