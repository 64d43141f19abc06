using System.Globalization;
using System.Text.RegularExpressions;

namespace Esper.Bindings;

/// <summary>Writes the C# files of one header.</summary>
/// <param name="target">Names of the header and of what is generated from it.</param>
/// <param name="model">The header.</param>
/// <param name="types">The types of this header and of those that it includes.</param>
internal sealed partial class BindingWriter(BindingTarget target, HeaderModel model, TypeMap types)
{
    /// <summary>File names and their texts.</summary>
    public IEnumerable<(string Name, string Text)> Files()
    {
        yield return ($"{target.Prefix}Constants.g.cs", Constants());
        yield return ($"{target.Prefix}Enums.g.cs", Enums());
        yield return ($"{target.Prefix}Structs.g.cs", Structs());
        yield return ($"{target.Prefix}Handles.g.cs", Handles());
        yield return ($"{target.Prefix}Api.g.cs", Functions());
    }

    private string Constants()
    {
        SourceWriter writer = Start();
        writer.Line();
        writer.Summary($"Constants of {target.HeaderName}.");
        writer.Open($"internal static class {target.Prefix}Constants");
        foreach (ConstantModel constant in model.Constants)
        {
            writer.Summary(constant.Comment);
            writer.Line($"internal const int {Names.Pascal(Names.Without(constant.Name, target.NamePrefix))} = {Number(constant.Value)};");
            writer.Line();
        }

        writer.Summary("SHA-256 of the header that these bindings were generated from.");
        writer.Line($"internal const string HeaderSha256 = \"{model.Sha256}\";");
        writer.Close();
        return writer.ToString();
    }

    private string Enums()
    {
        SourceWriter writer = Start();
        foreach (EnumModel item in model.Enums)
        {
            writer.Line();
            writer.Summary(item.Comment);
            writer.Open($"internal enum {Names.Pascal(item.Name)} : int");
            IReadOnlyList<string> names = Names.Members(item);
            for (int i = 0; i < names.Count; i++)
            {
                writer.Summary(item.Members[i].Comment);
                writer.Line($"{names[i]} = {Number(item.Members[i].Value)},");
            }

            writer.Close();
        }

        return writer.ToString();
    }

    private string Structs()
    {
        SourceWriter writer = Start("System.Runtime.InteropServices");
        foreach (StructModel item in model.Structs)
        {
            writer.Line();
            writer.Summary(item.Comment);
            writer.Line("[StructLayout(LayoutKind.Sequential)]");
            string name = Names.Pascal(item.Name);
            writer.Open($"internal unsafe struct {name}");
            foreach (FieldModel field in item.Fields)
            {
                WriteField(writer, item, field);
            }

            if (item.Fields[0].Name == "struct_size")
            {
                writer.Line();
                writer.Summary("A struct of zeros with its size filled in.");
                writer.Line($"internal static {name} Create() => new() {{ StructSize = (uint)sizeof({name}) }};");
            }

            writer.Close();
        }

        WriteSizes(writer);
        return writer.ToString();
    }

    private void WriteField(SourceWriter writer, StructModel owner, FieldModel field)
    {
        string comment = field.Comment;
        if (types.Callback(field.Type) is { } callback)
        {
            comment = $"{comment}\n{callback.Name}: {callback.Comment}".Trim();
        }

        writer.Summary(comment);
        Match array = ArrayType().Match(field.Type);
        string place = $"{owner.Name}.{field.Name}";
        writer.Line(array.Success
            ? $"internal fixed {types.Plain(array.Groups["type"].Value, place)} {Names.Pascal(field.Name)}[{array.Groups["length"].Value}];"
            : $"internal {types.Plain(field.Type, place)} {Names.Pascal(field.Name)};");
    }

    private void WriteSizes(SourceWriter writer)
    {
        writer.Line();
        writer.Summary("C names of the structs with the sizes of their C# counterparts, to be compared with the loaded library's.");
        writer.Open($"internal static unsafe class {target.Prefix}Structs");
        writer.Line("internal static readonly (string Name, int Size)[] Sizes =");
        writer.Line("[");
        foreach (StructModel item in model.Structs)
        {
            writer.Line($"    (\"{item.Name}\", sizeof({Names.Pascal(item.Name)})),");
        }

        writer.Line("];");
        writer.Close();
    }

    private string Handles()
    {
        SourceWriter writer = Start("Microsoft.Win32.SafeHandles");
        foreach (HandleModel item in model.Handles)
        {
            string destroy = item.Name + "_destroy";
            if (!model.Functions.Any(function => function.Name == destroy))
            {
                throw new BindingException($"{target.HeaderName}: {item.Name} has no function {destroy}; declare it.");
            }

            writer.Line();
            writer.Summary(item.Comment);
            writer.Open($"internal sealed class {Names.Handle(item.Name)} : SafeHandleZeroOrMinusOneIsInvalid");
            writer.Summary("An empty handle, for the marshaller to fill.");
            writer.Line($"public {Names.Handle(item.Name)}()");
            writer.Line("    : base(ownsHandle: true)");
            writer.Line("{");
            writer.Line("}");
            writer.Line();
            writer.Summary($"Calls {destroy}.");
            writer.Open("protected override bool ReleaseHandle()");
            writer.Line($"{target.Prefix}Api.{Method(destroy)}(handle);");
            writer.Line("return true;");
            writer.Close();
            writer.Close();
        }

        return writer.ToString();
    }

    private string Functions()
    {
        SourceWriter writer = Start("System.Runtime.InteropServices");
        writer.Line();
        writer.Summary(model.Comment);
        writer.Open($"internal static unsafe partial class {target.Prefix}Api");
        bool first = true;
        foreach (FunctionModel function in model.Functions)
        {
            if (!first)
            {
                writer.Line();
            }

            first = false;
            bool destroy = function.Name.EndsWith("_destroy", StringComparison.Ordinal);
            IEnumerable<string> parameters = function.Parameters.Select(parameter =>
            {
                string place = $"{function.Name}({parameter.Name})";
                string type = destroy ? types.Plain(parameter.Type, place) : types.Parameter(parameter.Type, place);
                return $"{type} {Names.Camel(parameter.Name)}";
            });
            writer.Summary(function.Comment);
            writer.Line($"[LibraryImport(\"{target.Library}\", EntryPoint = \"{function.Name}\")]");
            writer.Line($"internal static partial {types.Plain(function.ReturnType, function.Name)} "
                + $"{Method(function.Name)}({string.Join(", ", parameters)});");
        }

        writer.Close();
        return writer.ToString();
    }

    private SourceWriter Start(params string[] usings) => new(target.HeaderName, model.Sha256, usings);

    private string Method(string function) => Names.Pascal(Names.Without(function, target.NamePrefix));

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^(?<type>.+)\[(?<length>\d+)\]$")]
    private static partial Regex ArrayType();
}
