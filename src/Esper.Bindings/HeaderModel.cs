namespace Esper.Bindings;

/// <summary>What a C header declares, in the order of its text.</summary>
/// <param name="Comment">The comment at the top of the file.</param>
/// <param name="Sha256">SHA-256 of the file's bytes, lower-case hexadecimal.</param>
/// <param name="Constants">Integer macros.</param>
/// <param name="Enums">Enumerations.</param>
/// <param name="Structs">Structs with a body.</param>
/// <param name="Handles">Opaque structs.</param>
/// <param name="Callbacks">Typedefs of function pointers.</param>
/// <param name="Functions">Functions.</param>
internal sealed record HeaderModel(
    string Comment,
    string Sha256,
    IReadOnlyList<ConstantModel> Constants,
    IReadOnlyList<EnumModel> Enums,
    IReadOnlyList<StructModel> Structs,
    IReadOnlyList<HandleModel> Handles,
    IReadOnlyList<CallbackModel> Callbacks,
    IReadOnlyList<FunctionModel> Functions);

/// <summary>An integer macro or an enumerator.</summary>
internal sealed record ConstantModel(string Name, long Value, string Comment);

/// <summary>An enumeration.</summary>
internal sealed record EnumModel(string Name, IReadOnlyList<ConstantModel> Members, string Comment);

/// <summary>A struct with a body.</summary>
internal sealed record StructModel(string Name, IReadOnlyList<FieldModel> Fields, string Comment);

/// <summary>A struct's field; <paramref name="Type"/> is the C type as written, arrays included (<c>char[64]</c>).</summary>
internal sealed record FieldModel(string Name, string Type, string Comment);

/// <summary>An opaque struct, used through pointers only.</summary>
internal sealed record HandleModel(string Name, string Comment);

/// <summary>A typedef of a function pointer; <paramref name="Type"/> is such as <c>void (*)(void *, int32_t)</c>.</summary>
internal sealed record CallbackModel(string Name, string Type, string Comment);

/// <summary>A function.</summary>
internal sealed record FunctionModel(
    string Name, string ReturnType, IReadOnlyList<ParameterModel> Parameters, string Comment);

/// <summary>A function's parameter.</summary>
internal sealed record ParameterModel(string Name, string Type);
